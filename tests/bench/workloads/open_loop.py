"""Publishing at a fixed rate, from a process of its own, while the sockets note what comes."""

import asyncio
import json
import pickle
import sys
from dataclasses import dataclass, replace

from tests.bench.load.arrivals import Arrivals, Outcome
from tests.bench.load.publisher import Order
from tests.bench.load.sockets import Sockets
from tests.bench.machine import Meter, Usage
from tests.bench.seats import Seats
from tests.bench.workloads.outcomes import Numbers, delivery_numbers


@dataclass(frozen=True)
class Rung:
    outcome: Outcome
    usage: Usage
    next_first: int

    @property
    def numbers(self) -> Numbers:
        return delivery_numbers(self.outcome, self.usage)

    def is_held(self, p99_ms: float) -> bool:
        return self.outcome.is_whole and self.outcome.percentile_ms(0.99) < p99_ms


async def open_loop(
    sockets: Sockets,
    first: int,
    rate: float,
    seconds: float,
    *,
    seats: Seats | None = None,
    without: frozenset[int] = frozenset(),
) -> Rung:
    """Events `first`, first + 1, … at `rate` a second, to the rooms of `seats` (all, where none are named).

    Nothing is expected of the connections in `without`.
    """
    system = sockets.system
    seats = seats or system.seats
    publishes = int(rate * seconds)
    arrivals = sockets.arrivals = Arrivals(seats, first, publishes, without)
    meter = Meter(system.groups)
    publishing = replace(system.publishing, parts=system.publishing.parts[: seats.rooms])
    order = Order(publishing, first, rate, publishes)
    publisher = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.load.publisher"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert publisher.stdin is not None
    assert publisher.stdout is not None
    publisher.stdin.write(pickle.dumps(order))
    publisher.stdin.close()
    async with asyncio.timeout(seconds * 4 + 20):
        json.loads(await publisher.stdout.readline())
    missing = sum(len(system.rooms_of[connection]) for connection in without) / seats.rooms
    await sockets.settle(int(publishes * (seats.listeners - missing)))
    usage = meter.read()
    await publisher.wait()
    sockets.arrivals = None
    return Rung(arrivals.outcome(), usage, first + publishes)
