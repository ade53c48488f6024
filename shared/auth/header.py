"""The outer form of a token, before any key is looked at: a stranger wrote all of it."""

import re
from functools import lru_cache

import jwt
import msgspec

LONGEST_TOKEN = 32 * 1024
"""Characters. Supabase's are about 1,000; one with custom claims and groups may have many times that."""

LONGEST_REMEMBERED = 1024
"""Characters of a header that is remembered: issuers write about 100."""

LONGEST_KEY_ID = 256

_PLAIN = {"alg", "kid", "typ"}

_EMPTY = ".e30."
"""Claims that are `{}`, and no signature."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")


class Header(msgspec.Struct, frozen=True):
    """What a token claims of its own signature. It may choose among our keys, never how a key is used."""

    algorithm: str
    key_id: str | None
    is_plain: bool = False
    """It says nothing but these two, and the type."""


def has_form(token: str) -> bool:
    """Whether this can be a signed JWT at all (RFC 7515, compact): so short, and three parts of base64url."""
    return len(token) <= LONGEST_TOKEN and _FORM.match(token) is not None


def read_header(token: str) -> Header | None:
    """The header of a token that has the form; None where it is none. Everything else in it (`jku`, `x5u`, an
    embedded `jwk`) is ignored, and a `crit` that PyJWT does not know is refused by it later.
    """
    part = token.partition(".")[0]
    return _remembered(part) if len(part) <= LONGEST_REMEMBERED else _read_first_part(part)


@lru_cache(maxsize=64)
def _remembered(part: str) -> Header | None:
    """An issuer writes the same one into all of its tokens; strangers write others, of any length."""
    return _read_first_part(part)


def _read_first_part(part: str) -> Header | None:
    """The rest of a token is no concern here: `_EMPTY` stands
    for it."""
    try:
        raw = jwt.get_unverified_header(part + _EMPTY)
    except jwt.InvalidTokenError:
        return None
    algorithm, key_id = raw.get("alg"), raw.get("kid")
    if not isinstance(algorithm, str) or not (key_id is None or _is_key_id(key_id)):
        return None
    return Header(algorithm, key_id, raw.keys() <= _PLAIN)


def _is_key_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_KEY_ID and value.isascii() and value.isprintable()
