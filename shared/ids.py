"""Identifiers: UUIDs in their canonical lower-case form, everywhere but on the binary prefix of a published event."""

import os
import re

LONGEST_SESSION_ID = 128
"""Characters of a token's `session_id`. Supabase's is a UUID; other issuers have their own."""

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_ANY_CASE = re.compile(_CANONICAL.pattern, re.IGNORECASE)


def new_id() -> str:
    """A random UUID (RFC 9562, version 4), in a third of the time that the standard library's object takes."""
    random = bytearray(os.urandom(16))
    random[6] = random[6] & 0x0F | 0x40
    random[8] = random[8] & 0x3F | 0x80
    return id_text(random)


def canonical_id(text: object) -> str | None:
    """The lower-case form of a UUID written with its four hyphens; None for anything else."""
    if not isinstance(text, str) or not _ANY_CASE.match(text):
        return None
    return text.lower()


def is_session_id(text: object) -> bool:
    """Whether this can name a sign-in: 1 to LONGEST_SESSION_ID characters, none of which Postgres or UTF-8 refuses."""
    return isinstance(text, str) and 0 < len(text) <= LONGEST_SESSION_ID and text.isprintable()


def id_bytes(canonical: str) -> bytes:
    return bytes.fromhex(canonical.replace("-", ""))


def id_text(sixteen: bytes | bytearray) -> str:
    digits = sixteen.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
