"""The name that others see for a user, out of claims that the user may have written."""

import unicodedata
from typing import Any

from shared import texts

LONGEST = 64

_MARKS = {"Mn", "Me"}


def handle_of(claims: dict[str, Any], user_id: str) -> str:
    """`user_metadata.handle`, else the e-mail address' local part, else `user_` and 8 hex digits of the id."""
    metadata = claims.get("user_metadata")
    if isinstance(metadata, dict) and (handle := clean_handle(metadata.get("handle"))):
        return handle
    email = claims.get("email")
    if isinstance(email, str) and "@" in email and (handle := clean_handle(email.rpartition("@")[0])):
        return handle
    return f"user_{user_id[:8]}"


def clean_handle(value: object) -> str | None:
    """The name as `texts.line` leaves it; None where that is not 1 to 64 code points, or combining marks alone."""
    if not isinstance(value, str):
        return None
    name = value if value.isascii() and value.isalnum() else texts.line(value)  # most are, and need no cleaning
    if not 0 < len(name) <= LONGEST or all(unicodedata.category(one) in _MARKS for one in name):
        return None
    return name
