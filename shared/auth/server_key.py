"""The text of a server key: `parley_sk_<id>_<secret><crc>`, which scanners of repositories and our own log recognise.

The id finds the key, the secret is 256 random bits, and the checksum tells a key from a text that only looks like one
without asking anybody. Pure.
"""

import hashlib
import hmac
import os
import re
from typing import NamedTuple
from zlib import crc32

PREFIX = "parley_sk_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARACTERS, _CRC_CHARACTERS = 43, 6
"""62^43 is just above 2^256, 62^6 above 2^32."""
_FORM = re.compile(
    rf"{PREFIX}([0-9a-f]{{32}})_([0-9A-Za-z]{{{_SECRET_CHARACTERS}}})([0-9A-Za-z]{{{_CRC_CHARACTERS}}})\Z"
)


class Presented(NamedTuple):
    """What somebody showed: a key's id, as a UUID, and the secret that should be its own."""

    key_id: str
    secret: str


def new_key(key_id: str) -> tuple[str, bytes]:
    """A new key's text, to be shown once, and the hash of its secret, to be kept."""
    secret = _digits(int.from_bytes(os.urandom(32)), _SECRET_CHARACTERS)
    bare = f"{PREFIX}{key_id.replace('-', '')}_{secret}"
    return bare + _checksum(bare), hash_of(secret)


def is_meant(token: str) -> bool:
    """Whether a bearer token is meant to be a server key, good or not."""
    return token.startswith(PREFIX)


def read(token: str) -> Presented | None:
    """None for a text that is no key."""
    match = _FORM.match(token)
    if match is None or _checksum(token[:-_CRC_CHARACTERS]) != match[3]:
        return None
    digits = match[1]
    return Presented("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])), match[2])


def hash_of(secret: str) -> bytes:
    """Random secrets of 256 bits need no slow hash, and one would let strangers burn our time."""
    return hashlib.sha256(secret.encode()).digest()


def is_secret_of(presented: Presented, kept: bytes) -> bool:
    """In a time that says nothing of the hash that is kept."""
    return hmac.compare_digest(hash_of(presented.secret), kept)


def _checksum(bare: str) -> str:
    return _digits(crc32(bare.encode()), _CRC_CHARACTERS)


def _digits(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
