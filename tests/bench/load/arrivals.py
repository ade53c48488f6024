"""What came in while a workload ran, and what it amounts to: latencies, and each loss, double and disorder counted."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.bench.load.marks import BYTES, PATTERN, SIGN
from tests.bench.load.publishing import FILLER
from tests.bench.seats import Seats

Chunk = tuple[int, int, bytes]
"""(when it was read, in ns of the monotonic clock; the number of its connection; its bytes)."""


_LARGE = 4096


@dataclass(frozen=True)
class Outcome:
    """`unexpected` counts what a connection got that was not for it; `syncs` the frames that say: something is lost."""

    expected: int
    delivered: int
    lost: int
    duplicated: int
    disordered: int
    unexpected: int
    syncs: int
    latencies_ms: Sequence[float]

    @property
    def is_whole(self) -> bool:
        return not (self.lost or self.duplicated or self.disordered or self.unexpected or self.syncs)

    def percentile_ms(self, share: float) -> float:
        return percentile(self.latencies_ms, share)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values; 0 where there is none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Arrivals:
    """Records `publishes` events, numbered from `first` on, round-robin over the rooms.

    The client only appends to `chunks` and counts marks; what they mean is read afterwards, so that it is cheaper than
    the server. `on_count` is called when so many deliveries have been counted.
    """

    def __init__(self, seats: Seats, first: int, publishes: int, without: frozenset[int] = frozenset()) -> None:
        self._seats = seats
        self._first = first
        self._publishes = publishes
        self._without = without
        self.chunks: list[Chunk] = []
        self.count = 0
        self.last_ns = 0

    def add(self, at_ns: int, connection: int, data: bytes) -> None:
        if len(data) > _LARGE:
            data = data.replace(FILLER, b"")
        self.chunks.append((at_ns, connection, data))
        self.count += data.count(SIGN) + data.endswith(SIGN[:1])

    def outcome(self) -> Outcome:
        """`without` are connections of which nothing is expected."""
        streams: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for at_ns, connection, data in self.chunks:
            streams[connection].append((at_ns, data))
        tally = _Tally(self._seats, self._first, self._publishes)
        for connection, pieces in streams.items():
            if connection not in self._without:
                tally.read(connection, pieces)
        self.last_ns = tally.last_ns
        return tally.outcome(self._missing(tally))

    def _missing(self, tally: "_Tally") -> int:
        silent = 0
        if self._without:
            for number in range(self._first, self._first + self._publishes):
                room = number % self._seats.rooms
                silent += sum(self._seats.member(room, connection) is not None for connection in self._without)
        return tally.unseen - silent


class _Tally:
    def __init__(self, seats: Seats, first: int, publishes: int) -> None:
        self._seats = seats
        self._first = first
        self._publishes = publishes
        self._seen = bytearray(publishes * seats.listeners)
        self._latencies: list[float] = []
        self._unexpected = self._duplicated = self._disordered = self._syncs = 0
        self.last_ns = 0

    @property
    def unseen(self) -> int:
        return self._seen.count(0)

    def read(self, connection: int, pieces: Sequence[tuple[int, bytes]]) -> None:
        """A mark may straddle two reads: it came with the later one."""
        stream = b"".join([data for _, data in pieces])
        ends = list(accumulate(len(data) for _, data in pieces))
        newest: dict[int, int] = {}
        for found in PATTERN.finditer(stream):
            at_ns = pieces[bisect_right(ends, found.start() + BYTES - 1)][0]
            self._note(connection, int(found[2]), at_ns, at_ns - int(found[1]), newest)
        self._syncs += stream.count(b'"type":"sync"')

    def _note(self, connection: int, number: int, at_ns: int, took_ns: int, newest: dict[int, int]) -> None:
        room = number % self._seats.rooms
        member = self._seats.member(room, connection)
        if member is None or not 0 <= number - self._first < self._publishes:
            self._unexpected += 1
            return
        place = (number - self._first) * self._seats.listeners + member
        self._duplicated += self._seen[place]
        self._seen[place] = 1
        self._disordered += number < newest.get(room, -1)
        newest[room] = number
        self._latencies.append(took_ns / 1e6)
        self.last_ns = max(self.last_ns, at_ns)

    def outcome(self, lost: int) -> Outcome:
        return Outcome(
            expected=len(self._latencies) - self._duplicated + lost,
            delivered=len(self._latencies),
            lost=lost,
            duplicated=self._duplicated,
            disordered=self._disordered,
            unexpected=self._unexpected,
            syncs=self._syncs,
            latencies_ms=sorted(self._latencies),
        )
