"""Carries out one fault and heals it. Faults are done to processes, servers and links; our code is not patched."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from services.embedded.server import EmbeddedServer
from tests.support.servers import kill, paused, restart
from tests.support.waiting import PATIENCE, eventually
from tests.system.faults.schedule import Fault
from tests.system.faults.world import World

DELAY_SECONDS = 0.1
CHECKPOINT_SECONDS = 8.0
"""How long an armed process may take to start, and to come by its checkpoint, before it is given up."""


async def inject(world: World, fault: Fault) -> None:
    """Returns when it is healed: the process runs again and is ready, the link is whole."""
    await _BY_KIND[fault.kind](world, fault)


async def _kill(world: World, fault: Fault) -> None:
    process = world.process(fault.target)
    await process.kill()
    await asyncio.sleep(fault.lasts)
    await process.start()


async def _freeze(world: World, fault: Fault) -> None:
    process = world.process(fault.target)
    process.signal(signal.SIGSTOP)
    await asyncio.sleep(fault.lasts)
    process.signal(signal.SIGCONT)


async def _drain(world: World, fault: Fault) -> None:
    process = world.process(fault.target)
    assert await process.stop() == 0, f"{fault.target} did not drain cleanly"
    await asyncio.sleep(fault.lasts)
    await process.start()


async def _stall(world: World, fault: Fault) -> None:
    proxy = world.proxies[fault.target]
    proxy.stall()
    await asyncio.sleep(fault.lasts)
    proxy.heal()


async def _cut(world: World, fault: Fault) -> None:
    """Breaks what is there, and refuses what comes, for as long as it lasts."""
    proxy = world.proxies[fault.target]
    proxy.cut()
    proxy.refuse()
    await asyncio.sleep(fault.lasts)
    proxy.heal()


async def _delay(world: World, fault: Fault) -> None:
    proxy = world.proxies[fault.target]
    proxy.delay(DELAY_SECONDS)
    await asyncio.sleep(fault.lasts)
    proxy.heal()


async def _restart(world: World, fault: Fault) -> None:
    server = _server(world, fault)
    await server.stop()
    await asyncio.sleep(fault.lasts)
    await restart(server)


async def _kill_server(world: World, fault: Fault) -> None:
    server = _server(world, fault)
    kill(server)
    await asyncio.sleep(fault.lasts)
    await restart(server)


async def _empty(world: World, fault: Fault) -> None:
    await world.empty_redis(fault.lasts)


async def _freeze_server(world: World, fault: Fault) -> None:
    with paused(_server(world, fault)):
        await asyncio.sleep(fault.lasts)


async def _kill_at(world: World, fault: Fault) -> None:
    """The process is started anew, armed, beside its twin; where it dies by itself it was at the checkpoint."""
    checkpoint, name = fault.target.split(": ")
    process = world.process(name)
    await process.kill()
    process.environment["DOOMED_AT"] = checkpoint
    process.spawn()
    try:
        await eventually(lambda: not process.runs, CHECKPOINT_SECONDS / PATIENCE)
        assert await process.ended() == -signal.SIGKILL, f"{name} ended by itself"
        world.reached.append(fault)
    except AssertionError:
        await process.kill()  # nothing came its way in time
    del process.environment["DOOMED_AT"]
    await asyncio.sleep(fault.lasts)
    await process.start()


def _server(world: World, fault: Fault) -> EmbeddedServer:
    return world.redis if fault.target == "redis" else world.postgres


_BY_KIND: dict[str, Callable[[World, Fault], Awaitable[None]]] = {
    "kill": _kill,
    "freeze": _freeze,
    "drain": _drain,
    "stall": _stall,
    "cut": _cut,
    "delay": _delay,
    "restart": _restart,
    "kill server": _kill_server,
    "empty": _empty,
    "freeze server": _freeze_server,
    "kill at": _kill_at,
}
