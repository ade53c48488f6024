"""A user as their token describes them, and why a token was refused."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from shared.auth.profile import Profile, profile_of
from shared.ids import is_session_id


class Identity(msgspec.Struct, frozen=True):
    """Who holds a verified token. It holds no part of the token, and may be logged."""

    user_id: str
    """A UUID in its canonical lower-case form."""
    profile: Profile
    """What others see."""
    session_id: str | None
    """The sign-in that the token came from, by which it can be revoked; None where the issuer names none."""
    expires_at: float
    """Unix seconds. From then on the token proves nothing."""
    role: str
    key_id: str | None = None
    """The server key that acts as this user; None for a user's own token."""


class Reason(StrEnum):
    """Why a token was refused. The last one is no fault of the token: the same one may pass later."""

    MISSING = "missing"
    MALFORMED = "malformed"
    EXPIRED = "expired"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    KEY_UNKNOWN = "key_unknown"
    KEYS_UNAVAILABLE = "keys_unavailable"


class Rejected(msgspec.Struct, frozen=True):
    """`detail` is for who made the token: which claim is at fault, and by how much. It holds nothing else of it."""

    reason: Reason
    detail: str = ""

    @property
    def text(self) -> str:
        return self.detail or self.reason.value


def identity_of(claims: dict[str, Any], user_id: str, handle_claims: Sequence[str]) -> Identity:
    """The identity in claims that were already verified."""
    session_id = claims.get("session_id")
    return Identity(
        user_id=user_id,
        profile=profile_of(claims, user_id, handle_claims),
        session_id=session_id if is_session_id(session_id) else None,
        expires_at=float(claims["exp"]),
        role=claims["role"],
    )
