"""Tokens and keys for tests: right ones, and wrong ones made by hand."""

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurve, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key

SECRET = "a-secret-of-more-than-32-bytes-for-tests"
USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def rsa_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """The same key for the same name; making one takes a tenth of a second."""
    return _rsa_key(name, bits)


def ec_key(name: str, curve: type[EllipticCurve] = SECP256R1) -> EllipticCurvePrivateKey:
    return _ec_key(name, curve)


@cache
def _rsa_key(_: str, bits: int) -> RSAPrivateKey:
    return generate_rsa_key(public_exponent=65537, key_size=bits)


@cache
def _ec_key(_: str, curve: type[EllipticCurve]) -> EllipticCurvePrivateKey:
    return generate_ec_key(curve())


def rsa_jwk(name: str, bits: int = 2048, **changes: Any) -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(name, bits).public_key(), as_dict=True)
    return {**public, "kid": name, "alg": "RS256", "use": "sig", **changes}


def ec_jwk(name: str, curve: type[EllipticCurve] = SECP256R1, **changes: Any) -> dict[str, Any]:
    public = jwt.algorithms.ECAlgorithm.to_jwk(ec_key(name, curve).public_key(), as_dict=True)
    return {**public, "kid": name, "alg": "ES256", "use": "sig", **changes}


def claims(**changes: Any) -> dict[str, Any]:
    """What Supabase puts into a user's token; a change to None takes a claim out."""
    now = int(time.time())
    full = {
        "iss": "https://project.example/auth/v1",
        "aud": "authenticated",
        "role": "authenticated",
        "sub": USER,
        "iat": now,
        "exp": now + 3600,
        "session_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "email": "ann@example.com",
        "is_anonymous": False,
        "user_metadata": {"handle": "ann"},
        **changes,
    }
    return {name: value for name, value in full.items() if value is not None}


def by_secret(secret: str = SECRET, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm="HS256", headers=headers)


def by_rsa(name: str, **changes: Any) -> str:
    return jwt.encode(claims(**changes), rsa_key(name), algorithm="RS256", headers={"kid": name})


def by_ec(name: str, **changes: Any) -> str:
    return jwt.encode(claims(**changes), ec_key(name), algorithm="ES256", headers={"kid": name})


def segment(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(header: bytes | dict[str, Any], payload: bytes | dict[str, Any], secret: bytes = SECRET.encode()) -> str:
    """A token with any header over any payload, signed with HMAC-SHA256 whatever the header says."""
    signed = f"{segment(header)}.{segment(payload)}"
    return f"{signed}.{segment(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
