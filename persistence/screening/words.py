"""A list of words that nobody may send: no patterns, so a text costs one look-up a word."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_WORD = re.compile(r"\w+")


class BlockedWords:
    """Compares as NFKC, casefolded."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(folded for word in words if (folded := _folded(word).strip()))

    @classmethod
    def read(cls, path: str) -> "BlockedWords":
        """One word a line. Raises OSError or UnicodeDecodeError."""
        return cls(Path(path).read_text(encoding="utf-8").splitlines())

    def stands_in(self, text: str) -> bool:
        return not self._words.isdisjoint(_WORD.findall(_folded(text)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
