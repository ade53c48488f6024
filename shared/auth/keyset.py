"""Reads a JSON Web Key Set (RFC 7517): the keys in it that Parley accepts, and what each is for."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MOST_KEYS = 100
SMALLEST_RSA_BITS = 2048


def read_key_set(body: bytes) -> dict[str, jwt.PyJWK]:
    """Public keys for RS256 and ES256, by key id. A key that is anything else, or is broken, is left out.

    Raises ValueError where this is no key set, or has no key to use.
    """
    try:
        data = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    entries = data.get("keys") if isinstance(data, dict) else None
    known = [_read_key(entry) for entry in entries[:MOST_KEYS]] if isinstance(entries, list) else []
    keys = {key.key_id: key for key in known if key is not None and key.key_id is not None}
    if not keys:
        raise ValueError("no key set with a key to use in it")
    return keys


def _read_key(entry: Any) -> jwt.PyJWK | None:
    algorithm = _algorithm(entry) if isinstance(entry, dict) else None
    if algorithm is None:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm)
    except jwt.PyJWTError:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < SMALLEST_RSA_BITS:
        return None
    return key


def _algorithm(entry: dict[str, Any]) -> str | None:
    """The one algorithm that a key of this kind is used with; None where it is not ours, or a private key."""
    if not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    if entry.get("kty") == "RSA":
        algorithm = "RS256"
    elif entry.get("kty") == "EC" and entry.get("crv") == "P-256":
        algorithm = "ES256"
    else:
        return None
    return algorithm if entry.get("alg", algorithm) == algorithm else None
