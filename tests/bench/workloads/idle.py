"""Connections that do nothing, each in some rooms: resident memory and CPU of the server for one of them."""

import asyncio

from tests.bench.load.sockets import Sockets
from tests.bench.machine import Meter, resident_kib
from tests.bench.seats import Seats
from tests.bench.systems.system import System
from tests.bench.workloads.outcomes import Numbers

SETTLE_SECONDS = 2.0
IDLE_SECONDS = 4.0


def SEATS(connections: int, rooms_each: int, friends: bool = False) -> Seats:  # noqa: N802 - what every workload has
    """Rooms of two: with people who are elsewhere, so that each room is here for one alone, or with one another."""
    if friends:
        return Seats(connections * rooms_each // 2, 2, connections)
    return Seats.with_absent_partners(connections, rooms_each)


async def run(system: System) -> Numbers:
    """Memory is the slope from a fifth of the connections to all: free of what a start leaves half used."""
    sockets = Sockets(system)
    count = system.seats.connections
    await sockets.connect(count // 5)
    await asyncio.sleep(SETTLE_SECONDS)
    before = _resident(system)
    meter = Meter(system.groups)
    seconds = await sockets.connect(count - count // 5)
    accepting = meter.read()
    await asyncio.sleep(SETTLE_SECONDS)
    after, opened = _resident(system), count - count // 5
    meter = Meter(system.groups)
    await asyncio.sleep(IDLE_SECONDS)
    idle = meter.read()
    lost = sockets.lost
    await sockets.close()
    return {
        "kib_each": (after - before) / opened,
        "mib": after / 1024,
        "accept_ms": accepting.cpu["server"] / opened * 1e3,
        "accepts_per_s": opened / seconds,
        "idle_us_per_s": idle.cpu["server"] / idle.wall_seconds / count * 1e6,
        "lost": lost,
        "noise": accepting.noise,
        **{f"{name}_ms_per_accept": spent / opened * 1e3 for name, spent in accepting.cpu.items() if name != "server"},
    }


def _resident(system: System) -> int:
    return sum(map(resident_kib, system.server_pids))
