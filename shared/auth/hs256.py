"""The plain case of a token that a secret signs: a good signature, and claims as nearly all issuers write them.

PyJWT takes five times as long, most of it for base64 and JSON in Python. What is said here is only yes: whatever is not
plain, and all that is refused, goes to PyJWT for its verdict. So nothing passes here that would not pass there.
"""

import base64
import hmac
from typing import Any

import orjson

from shared.auth.claims import LATEST_EXPIRY, Expected


def plain_claims(token: str, secret: bytes, expected: Expected, now: float) -> dict[str, Any] | None:
    """The claims of a token whose header is plain and names HS256, as PyJWT would give them; None says nothing.

    The form of the token was looked at: three parts, of the alphabet of base64url. `secret` has passed `check_secret`.
    """
    signed, _, signature = token.rpartition(".")
    digest = hmac.digest(secret, signed.encode(), "sha256")
    # Compared as they are written: of several ways to write one digest PyJWT takes only this one, too.
    if not hmac.compare_digest(_written(digest), signature.encode()):
        return None
    part = signed.partition(".")[2].encode()
    try:
        payload = base64.urlsafe_b64decode(part + b"==")
        claims = orjson.loads(payload)
    except ValueError:
        return None
    if _written(payload) != part or not isinstance(claims, dict) or not _are_plain(claims, expected, now):
        return None
    return claims


def _written(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _are_plain(claims: dict[str, Any], expected: Expected, now: float) -> bool:
    """Whether PyJWT would take these claims, of which it also takes some that are written otherwise."""
    exp: Any = claims.get("exp")
    latest = now + expected.leeway_seconds
    return (
        _is_time(exp)
        and int(exp) > now - expected.leeway_seconds
        and ("iat" not in claims or (_is_time(claims["iat"]) and int(claims["iat"]) <= latest))
        and ("nbf" not in claims or (_is_time(claims["nbf"]) and int(claims["nbf"]) <= latest))
        and isinstance(claims.get("sub"), str)
        and isinstance(claims.get("jti", ""), str)
        and (expected.issuer is None or claims.get("iss") == expected.issuer)
        and _names(claims.get("aud"), expected.audience)
    )


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and -LATEST_EXPIRY < value < LATEST_EXPIRY


def _names(aud: Any, audience: str) -> bool:
    if isinstance(aud, list):
        return audience in aud and all(isinstance(one, str) for one in aud)
    return isinstance(aud, str) and aud == audience
