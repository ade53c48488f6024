"""The newest matches of many conversations, each read from its newest row down, in the order of their times.

No conversation is read further than the answer needs: a match is final once nothing that is unread could be newer. What
is read is bounded, in rows and in time; where a bound ends it, all above the edge is known, and the edge is where the
next search goes on.
"""

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import NamedTuple, TypeAlias

from persistence.search.place import Place

MOST_ROWS = 200_000
MOST_SECONDS = 1.0
ROUND_ROWS = 16_000
"""Of one statement, about 40 ms of a warm database."""
SLOW_ROUND_SECONDS = 0.2
"""A statement that took longer is followed by half of it: a cold database keeps the bound too."""
LEAST_ROWS, FIRST_ROWS, MOST_AT_ONCE = 16, 256, 4096
"""Of one conversation in one statement: more each time it is read on."""


class Part(NamedTuple):
    """The newest `rows` of a conversation below a place. `room` is the caller's number for it."""

    room: int
    below: Place
    rows: int


class Found(NamedTuple):
    """Of a Part: how many rows there were, the place of the last of them, and the places of those that match."""

    rows: int
    last: Place | None
    matches: Sequence[Place]


Read: TypeAlias = Callable[[Sequence[Part]], Awaitable[Sequence[Found]]]


class Merged(NamedTuple):
    """Newest first. `next`: below it the search goes on; None at the end. `complete`: no bound ended it."""

    places: list[Place]
    next: Place | None
    complete: bool


class Merge:
    """One search. `tops`: for each conversation that has any row, a place above all that is to be read of it."""

    def __init__(self, tops: Sequence[Place], limit: int, read: Read, *, most_rows: int = MOST_ROWS) -> None:
        self._open = dict(enumerate(tops))
        self._first = max(LEAST_ROWS, min(FIRST_ROWS, most_rows // 2 // max(1, len(tops))))
        self._next_rows = dict.fromkeys(self._open, self._first)
        self._limit = limit
        self._read = read
        self._matches: list[Place] = []
        self._rows_left = most_rows
        self._round_rows = ROUND_ROWS

    async def run(self, seconds: float = MOST_SECONDS) -> Merged:
        until = monotonic() + seconds
        while self._open and not self._is_full() and self._rows_left > 0 and monotonic() < until:
            await self._round()
        return self._merged()

    @property
    def _edge(self) -> Place:
        """Everything that is not below it has been read. Only while something is open."""
        return max(self._open.values())

    def _is_full(self) -> bool:
        """One more than asked for is known, so that an end is known to be one."""
        return len(self._matches) > self._limit and self._matches[self._limit] >= self._edge

    async def _round(self) -> None:
        parts, began = self._parts(), monotonic()
        for part, found in zip(parts, await self._read(parts), strict=True):
            self._take(part, found)
        self._matches.sort(reverse=True)
        if monotonic() - began > SLOW_ROUND_SECONDS:
            self._round_rows = max(LEAST_ROWS, self._round_rows // 2)

    def _parts(self) -> list[Part]:
        """Of those conversations that may hold something newer than what is known, the newest first."""
        enough = self._matches[self._limit] if len(self._matches) > self._limit else None
        parts, rows = [], min(self._round_rows, self._rows_left)
        for room, below in sorted(self._open.items(), key=lambda one: one[1], reverse=True):
            if rows <= 0 or (enough is not None and below <= enough):
                break
            parts.append(Part(room, below, min(rows, self._next_rows[room])))
            rows -= parts[-1].rows
        return parts

    def _take(self, part: Part, found: Found) -> None:
        self._rows_left -= found.rows
        self._matches += found.matches
        if found.last is None or found.rows < part.rows:
            del self._open[part.room]
        else:
            self._open[part.room] = found.last
            self._next_rows[part.room] = min(MOST_AT_ONCE, 2 * self._next_rows[part.room])

    def _merged(self) -> Merged:
        edge = self._edge if self._open else None
        final = [place for place in self._matches if edge is None or place >= edge]
        if len(final) > self._limit:
            return Merged(final[: self._limit], final[self._limit - 1], True)
        return Merged(final, edge, edge is None)
