"""What an answer to a sync gives of each conversation: every event, or compactly what they came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from persistence.database.pool import Connection, Row
from persistence.log import read
from persistence.log.logged import Logged
from persistence.log.rows import logged_of
from persistence.log.state import HiddenState
from persistence.sync import compact
from persistence.sync import rows as sync_rows


class Bounds(NamedTuple):
    """Of one answer: `events` and `bytes` of frames (and one frame more), of which at most `chunk` events are read at a
    time; and how many `conversations` are told of, and looked at by how many rows of participants (and one slice more).
    """

    events: int = 2000
    bytes: int = 2 * 1024 * 1024
    chunk: int = 500
    conversations: int = 2000
    rows: int = 50_000

    def left(self, frames: Sequence[msgspec.Raw]) -> "Bounds":
        size = sum(len(bytes(frame)) for frame in frames)
        return self._replace(events=self.events - len(frames), bytes=self.bytes - size)

    def half(self) -> "Bounds":
        return self._replace(events=max(1, self.events // 2), bytes=max(1, self.bytes // 2))


DEFAULT_BOUNDS = Bounds()


@dataclass
class Catch:
    """What one conversation gets: the events after `start` up to `head`, as far as the answer's bounds let it.

    `knows`: the client goes on from what it holds, instead of beginning anew.
    """

    row: Row
    start: int
    head: int
    reached: int
    knows: bool = True
    frames: list[msgspec.Raw] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.reached == self.head

    def give(self, event: Logged) -> int:
        """Up to and with this event. Returns the size of its frame."""
        frame = event.frame()
        self.frames.append(msgspec.Raw(frame))
        self.reached = event.seq
        return len(frame)


class Reader(NamedTuple):
    """Who asks, and how they want it told."""

    user_id: str
    compact: bool = False


async def fill(database: Connection, catches: Mapping[str, Catch], bounds: Bounds, reader: Reader) -> None:
    """Reads events, conversation by conversation, until all have theirs, a bound is met, or a row is missing."""
    if reader.compact:
        await _fill_compactly(database, catches, bounds, reader.user_id)
    else:
        await _fill_plainly(database, catches, bounds, reader.user_id)


async def _fill_plainly(database: Connection, catches: Mapping[str, Catch], bounds: Bounds, user_id: str) -> None:
    hidden = await sync_rows.hidden_from(database, user_id, _hiding(catches))
    events_left, bytes_left = bounds.events, bounds.bytes
    while ranges := _next_ranges(catches, min(bounds.chunk, events_left)):
        rows = await read.between(database, ranges, bytes_left)
        sizes = _take(catches, rows, bytes_left, hidden)
        if len(sizes) < sum(up_to - after for _, after, up_to in ranges):
            return
        events_left -= len(sizes)
        bytes_left -= sum(sizes)


def _hiding(catches: Mapping[str, Catch]) -> list[str]:
    return [key for key, catch in catches.items() if catch.row["hid_messages"] and not catch.complete]


def _next_ranges(catches: Mapping[str, Catch], most: int) -> list[tuple[str, int, int]]:
    """What to read next, (conversation, after, up to): at most so many events."""
    ranges = []
    for key, catch in catches.items():
        up_to = min(catch.head, catch.reached + most)
        if up_to > catch.reached:
            ranges.append((key, catch.reached, up_to))
            most -= up_to - catch.reached
    return ranges


def _take(catches: Mapping[str, Catch], rows: Sequence[Row], bytes_left: int, hidden: set[str]) -> list[int]:
    """Gives each conversation its events, none behind a hole, while there are bytes left. Returns their sizes."""
    taken: list[int] = []
    for row in rows:
        catch = catches[row["conversation_id"]]
        event = logged_of(row) if bytes_left > 0 and row["seq"] == catch.reached + 1 else None
        if event is not None:
            taken.append(catch.give(_masked(event, row) if event.message_id in hidden else event))
            bytes_left -= taken[-1]
    return taken


def _masked(event: Logged, row: Row) -> Logged:
    """Of a message that the reader hid there is its place, and nothing that it says."""
    if not event.kind.shows_message:
        return event
    return event._replace(body=HiddenState.of(row).encode())


async def _fill_compactly(database: Connection, catches: Mapping[str, Catch], bounds: Bounds, user_id: str) -> None:
    spans = [_span(key, catch) for key, catch in catches.items() if not catch.complete]
    if not spans:
        return
    found = await compact.folded(database, user_id, spans, most=bounds.events, most_bytes=bounds.bytes)
    unknown = set()
    for row in found.rows:
        key = row["conversation_id"]
        event = compact.told(row, found.states)
        if event is None:
            unknown.add(key)
        elif key not in unknown:
            catches[key].give(event)
    last = found.rows[-1]["conversation_id"] if found.rows else ""
    for span in spans:
        if span.conversation_id not in unknown and (found.is_all or span.conversation_id < last):
            catches[span.conversation_id].reached = span.up_to


def _span(key: str, catch: Catch) -> compact.Span:
    row = catch.row
    return compact.Span(key, catch.reached, catch.head, row["begins"], catch.knows, row["hid_messages"])
