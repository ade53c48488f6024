"""W1: one room of 1,000, closed loop: a publish follows as soon as fewer than `DEPTH` are under way."""

from time import monotonic_ns

from tests.bench.load.arrivals import Arrivals
from tests.bench.load.sockets import Sockets
from tests.bench.machine import Meter
from tests.bench.seats import Seats
from tests.bench.systems.system import System
from tests.bench.workloads.outcomes import Numbers, delivery_numbers

SEATS = Seats.filled(rooms=1, members=1000)
DEPTH = 4
WARM_UP = 20


async def run(system: System, publishes: int = 400) -> Numbers:
    sockets = Sockets(system)
    await sockets.connect(system.seats.connections)
    await sockets.open_publisher(system.publishing)
    await _closed_loop(sockets, 0, WARM_UP)
    meter = Meter(system.groups)
    begun = monotonic_ns()
    arrivals = await _closed_loop(sockets, WARM_UP, publishes)
    usage = meter.read()
    await sockets.close()
    outcome = arrivals.outcome()
    seconds = (arrivals.last_ns - begun) / 1e9
    return {**delivery_numbers(outcome, usage), "deliveries_per_s": outcome.delivered / max(seconds, 1e-9)}


async def _closed_loop(sockets: Sockets, first: int, publishes: int) -> Arrivals:
    members = sockets.system.seats.members
    arrivals = sockets.arrivals = Arrivals(sockets.system.seats, first, publishes)
    slack = members // 100
    sent = 0

    def send() -> None:
        """A publish is done when 99 % of the room has it."""
        nonlocal sent
        while sent < publishes and arrivals.count >= (sent - DEPTH + 1) * members - slack:
            sockets.publish(sockets.system.publishing.command(first + sent, monotonic_ns()))
            sent += 1
        sockets.next_at = (sent - DEPTH + 1) * members - slack if sent < publishes else 1 << 62

    sockets.on_count = send
    send()
    await sockets.settle(publishes * members)
    sockets.arrivals = None
    return arrivals
