"""What a reaction may be: one line, a few characters, something that shows."""

import unicodedata
from typing import Final

from shared import texts
from shared.http.endpoint import PathText
from shared.http.errors import malformed

MAX_CODE_POINTS: Final = 32
_JOINERS: Final = frozenset("\u200c\u200d")
_WORDS: Final = f"expected 1 to {MAX_CODE_POINTS} characters in NFC, without spaces and controls"


def emoji_of(given: str) -> str:
    """The emoji. Raises ApiError 400 for what is none, or not in NFC: else one could stand twice below a message."""
    if (
        not 1 <= len(given) <= MAX_CODE_POINTS
        or texts.shows_nothing(given)
        or not unicodedata.is_normalized("NFC", given)
    ):
        raise malformed("emoji", _WORDS)
    if any(_is_unwanted(one) for one in given):
        raise malformed("emoji", _WORDS)
    return given


def _is_unwanted(character: str) -> bool:
    """Blanks and controls; of those that only format, emoji need the joiners and the tags of flags."""
    category = unicodedata.category(character)
    if category == "Cf":
        return character not in _JOINERS and not "\U000e0020" <= character <= "\U000e007f"
    return category in ("Cc", "Cs") or category.startswith("Z")


EMOJI: Final = PathText(
    emoji_of,
    {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_CODE_POINTS,
        "pattern": r"^[\u2190-\u2bff]$",
        "examples": ["⭐"],
    },
)
"""The pattern is narrower than what is taken: those that are one code point long."""
