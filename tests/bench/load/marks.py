"""The mark that each published payload carries: when it was due, and which one it is."""

import re
from typing import Final

PLACE: Final = "~" + "#" * 30
BYTES: Final = len(PLACE)
SIGN: Final = b"~0"
"""How a mark begins: its time is padded. (The first byte alone is also the length of a longer frame.)"""
PATTERN: Final = re.compile(rb"~(\d{19})\.(\d{10})")


def mark(at_ns: int, number: int) -> bytes:
    """`at_ns` is of the monotonic clock, which all processes of a machine share."""
    return b"~%019d.%010d" % (at_ns, number)


def split(command: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the mark."""
    before, after = command.split(PLACE.encode())
    return before, after
