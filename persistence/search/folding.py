"""How words are compared: as compatibility forms, casefolded, without marks and Arabic stretching, blanks as one blank.

Each character folds alone, and then syllables of Hangul are put together again: so the fold of a text is known piece by
piece, and a place in it leads back to the characters that it came from.
"""

import re
import unicodedata
from bisect import bisect_right
from typing import NamedTuple

TATWEEL = "\u0640"
_BLANKS = re.compile(r"\s+")
_FOLLOWS = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
"""Vowels and ends of a Hangul syllable, which join what stands before them."""


class _Folds(dict[int, str]):
    """What each character becomes, for `str.translate`; learnt as they come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        fold = " " if character.isspace() else _fold_alone(character)
        self[code] = fold
        return fold


def _fold_alone(character: str) -> str:
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    kept = (one for one in bare if one != TATWEEL and unicodedata.category(one)[0] != "M")
    return "".join(" " if one.isspace() else one for one in kept)


_FOLDS = _Folds()


def fold(text: str) -> str:
    """The text as it is compared."""
    if text.isascii():
        return _BLANKS.sub(" ", text.lower())
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", text.translate(_FOLDS)))


class Folded(NamedTuple):
    """`places[i]` is where the character of the text begins from which `text[i]` came; one more, for the end."""

    text: str
    places: list[int]

    def origin(self, begin: int, end: int) -> tuple[int, int]:
        """The part of the original from which this part of the fold came, marks that follow included."""
        last = self.places[end - 1]
        return self.places[begin], self.places[bisect_right(self.places, last)]


def folded(text: str) -> Folded:
    """The fold with the way back. Slower than `fold`: for what is shown."""
    parts: list[str] = []
    places: list[int] = []
    for begin, fold_of_unit in _units(text):
        bare = "" if fold_of_unit == " " and parts and parts[-1].endswith(" ") else fold_of_unit
        if bare:
            parts.append(bare)
            places.extend([begin] * len(bare))
    return Folded("".join(parts), [*places, len(text)])


def _units(text: str) -> list[tuple[int, str]]:
    """Each character's beginning and fold; the letters of a Hangul syllable together."""
    units: list[tuple[int, str]] = []
    for begin, character in enumerate(text):
        piece = character.translate(_FOLDS)
        if units and units[-1][1] != " " and _FOLLOWS.match(piece):
            units[-1] = (units[-1][0], units[-1][1] + piece)
        elif piece:
            units.append((begin, piece))
    return [(begin, unicodedata.normalize("NFC", piece)) for begin, piece in units]
