import time
from contextlib import suppress
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.decoding import MAX_DEPTH, BodyDecoder, QueryDecoder, check_depth
from shared.http.errors import ApiError
from shared.http.fields import Id, Seq


class Inner(msgspec.Struct, rename="camel"):
    some_number: int


class Shape(msgspec.Struct, rename="camel"):
    text: str
    user_ids: list[Id] = []
    inner: Inner | None = None
    seqs: dict[str, Seq] = {}


class Page(msgspec.Struct):
    limit: int = 50
    name: str = ""


ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
decode = BodyDecoder(Shape, 65_536).decode


def refusal(body: bytes) -> ApiError:
    with pytest.raises(ApiError) as raised:
        decode(body)
    return raised.value


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"{}", "text"),
        (b'{"text": 1}', "text"),
        (b'{"text": "x", "userIds": ["%s", "no"]}' % ID.encode(), "userIds[1]"),
        (b'{"text": "x", "userIds": ["%s\\n"]}' % ID.encode(), "userIds[0]"),
        (b'{"text": "x", "inner": {}}', "inner.someNumber"),
        (b'{"text": "x", "inner": {"someNumber": 1.5}}', "inner.someNumber"),
        (b'{"text": "x", "seqs": {"a": -1}}', "seqs"),
    ],
)
def test_a_refusal_names_the_field_as_the_app_wrote_it(body: bytes, field: str) -> None:
    error = refusal(body)

    assert (error.status, error.body.code, error.body.field) == (400, "malformed", field)


def test_a_refusal_speaks_to_the_apps_developer() -> None:
    assert refusal(b"{}").body.error == "required"
    assert refusal(b'{"text": "x", "userIds": ["' + b"z" * 36 + b'"]}').body.error == "expected a UUID"


def test_unknown_fields_are_ignored() -> None:
    assert decode(b'{"text": "x", "admin": true}') == Shape("x")


def test_a_whole_number_may_be_written_with_a_fraction_of_zero() -> None:
    assert decode(b'{"text": "x", "inner": {"someNumber": 5.0}}').inner == Inner(5)


def test_a_body_beyond_its_bound_is_too_large() -> None:
    assert refusal(b" " * 65_537).status == 413


def nested(depth: int) -> bytes:
    return b'{"a":[' * (depth // 2) + b"[]" * (depth % 2) + b"]}" * (depth // 2)


def test_depth_is_counted_from_the_outermost_object() -> None:
    check_depth(nested(MAX_DEPTH))
    with pytest.raises(ApiError):
        check_depth(nested(MAX_DEPTH + 1))


def depth_of(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max((depth_of(item) for item in (value.values() if isinstance(value, dict) else value)), default=0)


@given(
    st.recursive(
        st.text(alphabet='[]{}"\\ab'),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{"\\'), inner, max_size=3),
        max_leaves=80,
    ),
    st.integers(0, 40),
)
def test_depth_is_the_same_as_counted_by_walking(value: Any, around: int) -> None:
    for _ in range(around):
        value = [value]
    body = orjson.dumps(value)

    if depth_of(value) <= MAX_DEPTH:
        check_depth(body)
    else:
        with pytest.raises(ApiError):
            check_depth(body)


@pytest.mark.parametrize("unit", [b"[", b"[]", b'{"a":', b'"', b'"\\', b'"a\\', b'[""]', b"\\", b"]["])
def test_no_megabyte_keeps_the_depth_check_busy(unit: bytes) -> None:
    body = (unit * (1_048_576 // len(unit)))[:1_048_576] + b"[" * (MAX_DEPTH + 1)
    started = time.process_time()
    with suppress(ApiError):
        check_depth(body)
    assert time.process_time() - started < 2  # a quadratic one takes minutes


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    with suppress(ApiError):
        decode(body)


@given(st.lists(st.tuples(st.sampled_from(["limit", "name", "other"]), st.text(max_size=10))))
def test_any_query_is_decoded_or_refused(parameters: list[tuple[str, str]]) -> None:
    with suppress(ApiError):
        QueryDecoder(Page).decode(parameters)


def test_a_query_is_typed_and_ignores_what_it_does_not_know() -> None:
    page = QueryDecoder(Page)

    assert page.decode([("limit", "7"), ("utm", "1"), ("utm", "2")]) == Page(limit=7)
    with pytest.raises(ApiError, match="given twice"):
        page.decode([("limit", "7"), ("limit", "8")])
