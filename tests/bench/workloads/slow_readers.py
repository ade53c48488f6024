"""A tenth of 2,000 clients stop reading: what the others feel of it, and what it costs in memory."""

import asyncio

from gateway.websocket.limits import Limits
from tests.bench.load.sockets import Sockets
from tests.bench.machine import resident_kib
from tests.bench.seats import Seats
from tests.bench.systems.system import System
from tests.bench.workloads.open_loop import open_loop
from tests.bench.workloads.outcomes import Numbers

SEATS = Seats.filled(rooms=20, members=100)
SYSTEM = {"payload_size": 7000}
"""Near the longest message there is: what waits for a slow reader then grows fast."""
SLOW = 200
RATE = 200
SECONDS = 8.0


async def run(system: System) -> Numbers:
    sockets = Sockets(system)
    count = system.seats.connections
    slow = frozenset(range(0, count, count // SLOW))
    await sockets.connect(count, small=slow)
    warm = await open_loop(sockets, 0, RATE, 1.0)
    before = await open_loop(sockets, warm.next_first, RATE, SECONDS)
    fit_kib = _resident(system)
    for number in slow:
        sockets.clients[number].transport.pause_reading()
    peak = asyncio.create_task(_peak_kib(system), name="peak")
    after = await open_loop(sockets, before.next_first, RATE, SECONDS, without=slow)
    peak.cancel()
    await asyncio.wait((peak,))
    for number in slow:
        sockets.clients[number].transport.resume_reading()
    await asyncio.sleep(Limits().close_seconds + 1.0)  # these clients answer no close frame
    cut_off = sum(sockets.clients[number].closed for number in slow)
    await sockets.close()
    return {
        "before_p99_ms": before.outcome.percentile_ms(0.99),
        "after_p99_ms": after.outcome.percentile_ms(0.99),
        "p99_ratio": after.outcome.percentile_ms(0.99) / max(before.outcome.percentile_ms(0.99), 1e-9),
        "lost": after.outcome.lost,
        "cut_off": cut_off,
        "extra_mib": (_peak.kib - fit_kib) / 1024,
        "extra_kib_each": (_peak.kib - fit_kib) / SLOW,
        "noise": max(before.usage.noise, after.usage.noise),
    }


class _Peak:
    kib = 0


_peak = _Peak()


async def _peak_kib(system: System) -> None:
    while True:
        _peak.kib = max(_peak.kib, _resident(system))
        await asyncio.sleep(0.1)


def _resident(system: System) -> int:
    return sum(map(resident_kib, system.server_pids))
