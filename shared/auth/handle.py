"""The name that others see for a user, out of claims that the user may have written."""

import unicodedata
from typing import Any

LONGEST = 64

_BIDIRECTIONAL_CONTROLS = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE = (0xAD, 0x180E, 0x200B, 0x2060, 0xFEFF)
_UNWANTED = {chr(code) for code in (*_BIDIRECTIONAL_CONTROLS, *_INVISIBLE)}
"""They would let one name look like another. The joiners U+200C and U+200D stay: scripts and emoji need them."""

_UNWANTED_KINDS = {"Cc", "Cs"}
_BLANK_KINDS = {"Cf", "Mn", "Me", "Zs", "Zl", "Zp"}


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
    """The name in NFC, on one line, without what misleads the eye; None where no 1 to 64 code points are left."""
    if not isinstance(value, str):
        return None
    line = " ".join(value.split())
    if line.isascii() and line.isprintable():  # most are, and hold nothing that is unwanted
        return line if 0 < len(line) <= LONGEST else None
    kept = "".join(one for one in line if not _is_unwanted(one))
    text = unicodedata.normalize("NFC", kept).strip()
    if len(text) > LONGEST or all(unicodedata.category(one) in _BLANK_KINDS for one in text):
        return None
    return text


def _is_unwanted(one: str) -> bool:
    return one in _UNWANTED or unicodedata.category(one) in _UNWANTED_KINDS
