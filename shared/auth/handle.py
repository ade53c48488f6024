"""A handle, out of whatever somebody wrote for one."""

import unicodedata

from shared import texts

LONGEST = 64

_MARKS = {"Mn", "Me"}


def clean_handle(value: object) -> str | None:
    """The name as `texts.line` leaves it; None where that is not 1 to 64 code points, or combining marks alone."""
    if not isinstance(value, str):
        return None
    name = value if value.isascii() and value.isalnum() else texts.line(value)  # most are, and need no cleaning
    if not 0 < len(name) <= LONGEST or all(unicodedata.category(one) in _MARKS for one in name):
        return None
    return name
