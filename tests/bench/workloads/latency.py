"""From a request to send until the message is read from a recipient's socket, through both processes.

Gateway and persistence share a core. First at a light rate, then at half of the highest rate that they reach.
"""

import time
from collections.abc import Iterator

from tests.bench.load.arrivals import Arrivals, Outcome
from tests.bench.load.http import HttpLoad
from tests.bench.load.marks import mark
from tests.bench.load.sockets import Sockets
from tests.bench.machine import Meter, Usage
from tests.bench.seats import Seats
from tests.bench.systems.parley import Parley
from tests.bench.workloads.outcomes import Numbers
from tests.bench.workloads.sends import CREATED, Senders

SEATS = Seats.filled(rooms=100, members=2)
SYSTEM = {"writes": True}
LIGHT_RATE = 20
CONCURRENCY = 32


async def run(system: Parley, seconds: float = 5.0) -> Numbers:
    sockets, load, senders = Sockets(system), HttpLoad(system.persistence.port), Senders(system)
    await sockets.connect(system.seats.connections)
    await load.connect(CONCURRENCY)
    await load.closed_loop(senders.greetings())
    await load.closed_loop(senders.until(time.monotonic() + 1.0))
    load.forget()
    meter = Meter(system.groups)
    await load.closed_loop(senders.until(time.monotonic() + 3.0))
    usage = meter.read()
    highest = load.statuses[CREATED] / usage.wall_seconds
    await system.tidy()
    light, light_usage = await _at(LIGHT_RATE, seconds, sockets, load, senders)
    half, half_usage = await _at(highest / 2, seconds, sockets, load, senders)
    load.close()
    await sockets.close()
    return {
        "light_p50_ms": light.percentile_ms(0.5),
        "light_p99_ms": light.percentile_ms(0.99),
        "half_p50_ms": half.percentile_ms(0.5),
        "half_p99_ms": half.percentile_ms(0.99),
        "highest_rate": highest,
        "lost": light.lost + half.lost,
        "disordered": light.disordered + half.disordered,
        "light_noise": light_usage.noise,
        "noise": half_usage.noise,
        **{
            f"half_{name}_ms": spent / max(1, half.expected // system.seats.listeners) * 1e3
            for name, spent in half_usage.cpu.items()
        },
    }


async def _at(rate: float, seconds: float, sockets: Sockets, load: HttpLoad, senders: Senders) -> tuple[Outcome, Usage]:
    seats = sockets.system.seats
    publishes = int(rate * seconds)
    sockets.arrivals = Arrivals(seats, 0, publishes)
    meter = Meter(sockets.system.groups)
    await load.open_loop(_marked(senders, seats.rooms, rate), rate, seconds)
    await sockets.settle(publishes * seats.listeners)
    usage = meter.read()
    outcome, sockets.arrivals = sockets.arrivals.outcome(), None
    return outcome, usage


def _marked(senders: Senders, rooms: int, rate: float) -> Iterator[bytes]:
    """A request's time is when it was due, so one that had to wait for a connection shows it."""
    begun = time.monotonic_ns()
    number = 0
    while True:
        due = begun + int(number / rate * 1e9)
        yield senders.request(number % rooms, mark(due, number).decode())
        number += 1
