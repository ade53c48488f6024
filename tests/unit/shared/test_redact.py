"""No secret passes `redact`, in whatever shape and wherever it stands; ordinary words do."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redact import is_harmless, redact, redact_text, redact_under

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
OPAQUE = "s3cr3t-0paque"

SHAPES = [
    JWT,
    f"token was {JWT}, and bad",
    f"eyJ{OPAQUE}",
    f"GET /messages/subscribe?acks=1&token={OPAQUE}&x=1 HTTP/1.1",
    f"b'GET /messages/subscribe?token={OPAQUE} HTTP/1.1\\r\\nHost: a'",
    f"https://a.example/cb#access_token={OPAQUE}",
    f"?token%3D{OPAQUE}",
    f"refresh_token={OPAQUE}",
    f"Authorization: Bearer {OPAQUE}",
    f"authorization: {OPAQUE}",
    f"Authorization:\t{OPAQUE}",
    f"bearer   {OPAQUE}",
    f"Bearer%20{OPAQUE}",
    f"Basic {OPAQUE}",
    f"Sec-WebSocket-Protocol: bearer, {OPAQUE}",
    f"bearer,{OPAQUE}",
    f"['bearer', '{OPAQUE}']",
    f"<CIMultiDict('Host': 'a', 'Authorization': 'Bearer {OPAQUE}')>",
    f"((b'Host', b'a'), (b'Authorization', b'{OPAQUE}'))",
    f"Cookie: session={OPAQUE}",
    f"ExponentPushToken[{OPAQUE}]",
    f"ExpoPushToken[{OPAQUE}]",
    f"DELETE /tokens/ExponentPushToken%5B{OPAQUE}%5D",
    f"ExponentPushToken[{OPAQUE}",
    f"parley_inv_{OPAQUE}",
    f"/api/invites/{OPAQUE}",
    f'{{"token": "{OPAQUE}", "deviceId": null}}',
    f'{{\n  "access_token":"{OPAQUE}"}}',
    f"Settings(service_token='{OPAQUE}', port=1)",
    f"Settings(jwt_secrets=('a', '{OPAQUE}'), port=1)",
    f"postgres://parley:{OPAQUE}@db.example:5432/parley",
    f"postgresql://parley:p@{OPAQUE}@db.example/parley",
    f"could not connect to redis://:{OPAQUE}@cache:6379/0",
    f"rediss://default:{OPAQUE}@cache",
]


@pytest.mark.parametrize("text", SHAPES)
def test_no_secret_of_this_shape_passes_in_a_text_in_bytes_in_an_error_or_nested(text: str) -> None:
    secret = OPAQUE if OPAQUE in text else JWT
    nested = {"a": [{"b": (text, {text})}], text: 1}
    for value in (text, text.encode(), ValueError(text), nested, f"before {text} after"):
        assert secret not in repr(redact(value))
    # A part of a JWT is as good as a secret: its claims name a person.
    assert JWT.split(".")[1] not in repr(redact(nested))


@pytest.mark.parametrize(
    "name", ["token", "Token", "access_token", "serviceToken", "authorization", "password", "jwt_secrets", "apikey"]
)
def test_whatever_stands_under_a_secrets_name_is_hidden(name: str) -> None:
    assert OPAQUE not in repr(redact_under(name, OPAQUE))
    assert OPAQUE not in repr(redact({"body": {name: {"value": [OPAQUE]}}}))


def test_a_typed_shape_that_holds_a_secret_is_hidden_in_its_repr() -> None:
    class Register(msgspec.Struct):
        token: str

    assert OPAQUE not in redact(Register(OPAQUE))


@pytest.mark.parametrize(
    "text",
    [
        "connection opened",
        "https://example.com:8080/a/b?limit=3",
        "authentication failed: expired",
        "3f2b8a52-9c1e-4a53-8f31-0d5c1a2b3c4d",
        "Hello, these are plain words about keys and tokens and cookies",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert redact_text(text) == text


_PIECES = st.sampled_from([*SHAPES, "token", "=x", "ey", "J", "-", "n", "a-path", "\ud800", "Authorization"])
_VALUES = st.none() | st.integers() | st.booleans() | st.lists(_PIECES, max_size=3).map("".join)


@given(st.dictionaries(_PIECES, _VALUES | st.binary(max_size=3) | st.lists(_PIECES, max_size=2), max_size=5))
def test_what_is_called_harmless_would_be_left_as_it_is(fields: dict[str, object]) -> None:
    if is_harmless(fields):
        assert {name: redact_under(name, value) for name, value in fields.items()} == fields


@pytest.mark.parametrize("text", SHAPES)
def test_no_field_with_a_secret_is_called_harmless(text: str) -> None:
    assert not is_harmless({"event": "request", "path": text})
    assert not is_harmless({"event": "request", "password": OPAQUE})


def test_a_line_of_a_request_is_harmless() -> None:
    path = "/api/conversations/3f2b8a52-9c1e-4a53-8f31-0d5c1a2b3c4d/messages"
    assert is_harmless({"event": "request", "method": "POST", "path": path, "status": 201, "ms": 3.2, "user": None})


def test_redacting_twice_changes_nothing_more() -> None:
    for text in SHAPES:
        once = redact_text(text)
        assert redact_text(once) == once


def test_numbers_and_nothing_stay_as_they_are() -> None:
    assert redact({"a": 1, "b": 1.5, "c": None, "d": True}) == {"a": 1, "b": 1.5, "c": None, "d": True}


def test_an_endless_nesting_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "…" in repr(redact(loop))


@pytest.mark.parametrize(
    "piece", ["a-", "://a:", "eyJ", "eyJ.", "bearer ", "token", "token ", "'token':'", "ExpoPushToken[", "cookie:"]
)
def test_no_text_makes_it_slow(piece: str) -> None:
    """Work grows with the length, not with its square: twice as much text may not take five times as long."""

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        started = time.thread_time()
        redact_text(text)
        return time.thread_time() - started

    half = min(seconds(16_000) for _ in range(3))
    assert min(seconds(32_000) for _ in range(3)) < max(5 * half, 0.02)
