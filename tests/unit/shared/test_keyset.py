import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.keyset import read_key_set
from tests.support.tokens import ec_jwk, rsa_jwk


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_rsa_keys_are_for_rs256_and_p256_keys_for_es256() -> None:
    keys = read_key_set(key_set(rsa_jwk("r"), ec_jwk("e")))
    assert {name: key.algorithm_name for name, key in keys.items()} == {"r": "RS256", "e": "ES256"}


@pytest.mark.parametrize("change", [{"alg": None}, {"use": None}, {"key_ops": ["verify"]}, {"unknown": [1]}])
def test_what_issuers_leave_out_or_add_does_not_matter(change: dict[str, Any]) -> None:
    plain = {name: value for name, value in {**ec_jwk("e"), **change}.items() if value is not None}
    assert list(read_key_set(key_set(plain))) == ["e"]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "text",
        [],
        {},
        {"kty": "oct", "kid": "o", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "d", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": ["RSA"], "kid": "x"},
        {"kty": "RSA", "kid": "x"},
        {"kty": "RSA", "kid": "x", "n": "!!", "e": "AQAB"},
        {"kty": "RSA", "kid": "x", "n": 7, "e": 7},
        {"kty": "EC", "crv": "P-256", "kid": "x", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "kid": "x"},
        rsa_jwk("x", kid=None),
        rsa_jwk("x", kid=7),
        rsa_jwk("x", use="enc"),
        rsa_jwk("x", alg="HS256"),
        rsa_jwk("x", alg="RS512"),
        rsa_jwk("x", alg="none"),
        rsa_jwk("x", d="AQAB"),
        rsa_jwk("weak", bits=1024),
        ec_jwk("x", alg="ES384"),
        ec_jwk("p384", curve=SECP384R1),
        ec_jwk("p384", curve=SECP384R1, crv="P-256"),
    ],
)
def test_a_key_that_is_not_ours_or_broken_is_left_out_and_the_rest_stays(bad: object) -> None:
    assert list(read_key_set(key_set(bad, rsa_jwk("good"), bad))) == ["good"]
    with pytest.raises(ValueError, match="no key"):
        read_key_set(key_set(bad))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"keys": null}',
        b'{"keys": {}}',
        b'{"keys": []}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"keys":' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_key_set_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one of ours or of the JSON decoder's
        read_key_set(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
)


@given(
    st.fixed_dictionaries(
        {}, optional={name: JSON for name in ("kty", "crv", "kid", "use", "alg", "n", "e", "x", "y")}
    ),
    st.sampled_from([rsa_jwk("r"), ec_jwk("e")]),
)
def test_no_change_to_a_key_breaks_the_reading_of_the_others(change: dict[str, Any], key: dict[str, Any]) -> None:
    assert "good" in read_key_set(key_set({**key, **change}, rsa_jwk("good")))
