"""The order of one room's durable events: forward the next one, drop an older one, hold a later one.

Pure: no I/O, no clock, no tasks. Redis may bring an event twice, late, or not at all; what leaves here goes up by one,
each seq once. Only `skip_to` leaves seqs out, and then the clients must be told to sync.
"""

from collections.abc import Iterable, Sequence, Sized
from typing import ClassVar, Generic, NamedTuple, TypeVar

import msgspec

Event = TypeVar("Event", bound=Sized)

_UNKNOWN = -2
"""`forwarded` while the head is not known: no seq, which starts at 1, can be the next one."""
_NOTHING: tuple[()] = ()


class Gap(NamedTuple):
    """The events `first`..`last` of the log are not here; `since` is when `first` became the first one missing.

    Some between them may be held already: ask for all of them, `fill` drops what it has.
    """

    first: int
    last: int
    since: float


class _Late(Generic[Event]):
    """What is known beyond the last forwarded seq. Made only when something is: a quiet room costs nothing."""

    __slots__ = ("events", "head", "since", "size")

    def __init__(self, now: float) -> None:
        self.events: dict[int, Event] = {}
        self.size = 0
        self.head = 0
        self.since = now


class Reorder(msgspec.Struct, Generic[Event], gc=False, eq=False, kw_only=True):
    """A room's place in its log. An event is anything with a length in bytes; it is handed back as it came.

    Every method that returns events returns those to forward now, in order, mostly none or one. `now` is the caller's
    monotonic clock and only dates a gap. Whenever nothing came back, look at `gap`.

    What is held is bounded (`MAX_EVENTS`, `MAX_BYTES`). Beyond that an event is not kept, only remembered to exist: it
    stays part of the gap until `fill` brings it, so the bound never loses one.

    A gateway has hundreds of thousands: it is a Struct because those are small, and unknown to the garbage collector.
    """

    MAX_EVENTS: ClassVar[int] = 256
    MAX_BYTES: ClassVar[int] = 512 * 1024

    forwarded: int = _UNKNOWN
    _late: "_Late[Event] | None" = None

    def reset(self) -> None:
        """The log is another one: the head is unknown again, and what was held is forgotten."""
        self.forwarded, self._late = _UNKNOWN, None

    @property
    def started(self) -> bool:
        return self.forwarded != _UNKNOWN

    @property
    def head(self) -> int:
        """The highest seq that is known to exist, forwarded or not; meaningless before `start`."""
        return self.forwarded if self._late is None else max(self.forwarded, self._late.head)

    def is_at(self, head: int) -> bool:
        """Everything up to `head` was forwarded, and nothing is known beyond it."""
        return self.forwarded == head and self._late is None

    @property
    def gap(self) -> Gap | None:
        """What is missing before the room is whole again; None when nothing is, or while the head is unknown."""
        late = self._late
        if late is None or self.forwarded == _UNKNOWN:
            return None
        last = late.head
        while last in late.events:
            last -= 1
        return Gap(self.forwarded + 1, last, late.since)

    def start(self, head: int, now: float) -> Sequence[Event]:
        """The log's head, read after Redis confirmed the room's channel: what is above it goes out from here on.

        For a room that has started it only says how far the log goes, as `expect`: several connections may join at
        once, and whose head comes first must not matter.
        """
        if self.forwarded != _UNKNOWN:
            self.expect(head, now)
            return _NOTHING
        return self.skip_to(head, now)

    def accept(self, seq: int, event: Event, now: float) -> Sequence[Event]:
        """An event from Redis. Held until `start` when the head is unknown."""
        forwarded = self.forwarded
        if seq == forwarded + 1:
            self.forwarded = seq
            if self._late is None:
                return (event,)
            return self._release([event], now)
        if seq > forwarded:
            self._hold(seq, event, now)
        return _NOTHING

    def expect(self, head: int, now: float) -> None:
        """The log is known to reach `head`: the tail of a quiet room has no later event that would show its loss."""
        if head > self.forwarded:
            late = self._late_since(now)
            late.head = max(late.head, head)

    def fill(self, events: Iterable[tuple[int, Event]], now: float) -> Sequence[Event]:
        """Events of the gap, read from the log, lowest seq first. Part of the gap may remain."""
        ready: list[Event] = []
        for seq, event in events:
            ready += self.accept(seq, event, now)
        return ready

    def skip_to(self, seq: int, now: float) -> Sequence[Event]:
        """The gap up to `seq` is given up; the caller tells the clients to sync. Never goes back."""
        if seq <= self.forwarded:
            return _NOTHING
        self.forwarded = seq
        if self._late is None:
            return _NOTHING
        self._forget_passed()
        return self._release([], now)

    def _late_since(self, now: float) -> _Late[Event]:
        if self._late is None:
            self._late = _Late(now)
        return self._late

    def _hold(self, seq: int, event: Event, now: float) -> None:
        late = self._late_since(now)
        late.head = max(late.head, seq)
        size = late.size + len(event)
        if seq not in late.events and len(late.events) < self.MAX_EVENTS and size <= self.MAX_BYTES:
            late.events[seq] = event
            late.size = size

    def _release(self, ready: list[Event], now: float) -> Sequence[Event]:
        """Adds to `ready` what is held and next; the gap that remains is dated anew."""
        late = self._late
        if late is None:
            return ready
        while (event := late.events.pop(self.forwarded + 1, None)) is not None:
            late.size -= len(event)
            self.forwarded += 1
            ready.append(event)
        late.since = now
        if late.head <= self.forwarded:
            self._late = None
        return ready

    def _forget_passed(self) -> None:
        late = self._late
        if late is not None:
            for seq in [held for held in late.events if held <= self.forwarded]:
                late.size -= len(late.events.pop(seq))
