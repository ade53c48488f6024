"""Makes a user's token, in the shape of Supabase's: for development and for tests."""

import time

import jwt

from shared.ids import new_id


def mint(
    secret: str,
    user_id: str,
    handle: str | None = None,
    ttl: float = 3600,
    *,
    audience: str = "authenticated",
    role: str = "authenticated",
    issuer: str | None = None,
) -> str:
    """A JWT for `user_id` (a UUID), signed with HS256 and good for `ttl` seconds, of a session of its own."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "role": role,
        "sub": user_id,
        "iat": now,
        "exp": now + int(ttl),
        "session_id": new_id(),
        "user_metadata": {} if handle is None else {"handle": handle},
    }
    if issuer is not None:
        claims["iss"] = issuer
    return jwt.encode(claims, secret, algorithm="HS256")
