"""What is shown of a message that was found: a part of its text, and where in it the words stand."""

from collections.abc import Sequence

from persistence.database.view import View
from persistence.search.folding import Folded, folded

LENGTH = 160
"""Characters of an excerpt at most; a sign of omission more on either side."""
BEFORE = 40
"""Of them before the first word found, where there is so much text."""
MOST_MARKS = 50
ELLIPSIS = "…"


class Excerpt(View, frozen=True):
    """`marks` are [start, end) in UTF-16 units of `text`, as JavaScript counts; they do not overlap."""

    text: str
    marks: list[list[int]]


def excerpt(text: str, words: Sequence[str]) -> Excerpt:
    """Around the first place where one of these folded words stands; the text's beginning where none does."""
    spans = _spans(folded(text), words)
    begin, end = _window(text, spans[0][0] if spans else 0)
    before, after = ELLIPSIS if begin else "", ELLIPSIS if end < len(text) else ""
    shown = [(max(one, begin), min(other, end)) for one, other in spans if one < end and other > begin]
    shift = len(before) - _units(text[:begin])
    marks = [[_units(text[:one]) + shift, _units(text[:other]) + shift] for one, other in shown[:MOST_MARKS]]
    return Excerpt(before + text[begin:end] + after, marks)


def _spans(text: Folded, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where the words stand in the original: in order, what touches or overlaps joined."""
    found = sorted(text.origin(begin, begin + len(word)) for word in words for begin in _places(text.text, word))
    joined: list[tuple[int, int]] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _places(text: str, word: str) -> list[int]:
    places, at = [], text.find(word)
    while at >= 0:
        places.append(at)
        at = text.find(word, at + len(word))
    return places


def _window(text: str, first: int) -> tuple[int, int]:
    """A part of LENGTH around this place that cuts no word, where a blank is near."""
    if len(text) <= LENGTH:
        return 0, len(text)
    begin = max(0, min(first - BEFORE, len(text) - LENGTH))
    if begin:
        blank = text.find(" ", begin, first)
        begin = blank + 1 if blank >= 0 else begin
    return begin, min(begin + LENGTH, len(text))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
