"""What one delivery costs as a gateway grows, at a fixed rate into rooms of two: everything else stays the same."""

from tests.bench.load.sockets import Sockets
from tests.bench.seats import Seats
from tests.bench.systems.system import System
from tests.bench.workloads.one_to_one import WARM_UP
from tests.bench.workloads.open_loop import open_loop
from tests.bench.workloads.outcomes import Numbers

MEMBERS = 2
RATE = 4000


def SEATS(rooms: int, connections: int) -> Seats:  # noqa: N802 - what every workload calls its seats
    return Seats(rooms, MEMBERS, connections)


async def run(system: System, rate: int = RATE, seconds: float = 3.0) -> Numbers:
    sockets = Sockets(system)
    await sockets.connect(system.seats.connections)
    warm = await open_loop(sockets, 0, rate, WARM_UP / rate)
    rung = await open_loop(sockets, warm.next_first, rate, seconds)
    await sockets.close()
    return rung.numbers
