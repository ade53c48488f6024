"""What a link into a group carries: 256 random bits, of which only the hash is kept."""

import re
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from shared.http.endpoint import PathText
from shared.http.errors import malformed

_PREFIX: Final = "parley_inv_"
"""By it a token is known wherever it stands, and so kept out of logs."""
_LONGEST: Final = 128
_WORD = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}\Z")


def new_token() -> str:
    return _PREFIX + token_urlsafe(32)


def hash_of(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _read(given: str) -> str:
    if not _WORD.match(given):
        raise malformed("token", "expected the token of a link")
    return given


TOKEN: Final = PathText(
    _read,
    {
        "type": "string",
        "minLength": 1,
        "maxLength": _LONGEST,
        "pattern": "^[A-Za-z0-9_-]+$",
        "examples": ["parley_inv_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    },
)
