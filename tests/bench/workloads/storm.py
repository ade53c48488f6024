"""Everyone comes back at once, each into ten rooms, while those who are connected go on being delivered to."""

import asyncio

from tests.bench.load.sockets import Sockets
from tests.bench.machine import Meter
from tests.bench.seats import Seats
from tests.bench.systems.system import System
from tests.bench.workloads.open_loop import open_loop
from tests.bench.workloads.outcomes import Numbers

CONNECTED = 500
AT_ONCE = 200
RATE = 500

SEATS = Seats.with_absent_partners


async def run(system: System) -> Numbers:
    sockets = Sockets(system)
    count = (system.seats.connections - CONNECTED) // 2
    await sockets.connect(CONNECTED)
    listeners = Seats.filled(rooms=CONNECTED, members=1)
    calm = await open_loop(sockets, 0, RATE, 2.0, seats=listeners)
    meter = Meter(system.groups)
    seconds = await sockets.connect(count, at_once=AT_ONCE)
    usage = meter.read()
    deliveries = asyncio.create_task(open_loop(sockets, calm.next_first, RATE, 2.0, seats=listeners), name="deliveries")
    await asyncio.sleep(0.5)
    await sockets.connect(count, at_once=AT_ONCE)
    stormy = await deliveries
    lost = stormy.outcome.lost + sockets.lost
    await sockets.close()
    return {
        "accept_ms": usage.cpu["server"] / count * 1e3,
        "accepts_per_s": count / seconds,
        "calm_p99_ms": calm.outcome.percentile_ms(0.99),
        "stormy_p99_ms": stormy.outcome.percentile_ms(0.99),
        "lost": lost,
        "noise": usage.noise,
        **{f"{name}_ms_per_accept": spent / count * 1e3 for name, spent in usage.cpu.items() if name != "server"},
    }
