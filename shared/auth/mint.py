"""Makes a user's token, in the shape of Supabase's: for development and for tests."""

import time
from collections.abc import Sequence
from typing import Any

import jwt

from shared.ids import new_id
from shared.settings import DEFAULT_HANDLE_CLAIMS


def mint(
    secret: str,
    user_id: str,
    handle: str | None = None,
    ttl: float = 3600,
    *,
    audience: str = "authenticated",
    role: str = "authenticated",
    issuer: str | None = None,
    handle_claim: str = DEFAULT_HANDLE_CLAIMS[0],
) -> str:
    """A JWT for `user_id` (a UUID), signed with HS256 and good for `ttl` seconds, of a session of its own.

    The handle is put where `handle_claim`, one of HANDLE_CLAIMS, is read from.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": audience,
        "role": role,
        "sub": user_id,
        "iat": now,
        "exp": now + int(ttl),
        "session_id": new_id(),
    }
    if handle is not None:
        _put(claims, handle_claim.split("."), handle)
    if issuer is not None:
        claims["iss"] = issuer
    return jwt.encode(claims, secret, algorithm="HS256")


def _put(claims: dict[str, Any], path: Sequence[str], value: str) -> None:
    for name in path[:-1]:
        claims = claims.setdefault(name, {})
    claims[path[-1]] = value
