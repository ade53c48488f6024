"""Carries out one fault and heals it. Faults are done to processes, servers and links; our code is not patched."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import asyncpg

from services.embedded.server import EmbeddedServer
from shared import keys
from shared.redis import open_redis
from tests.support.servers import kill, paused, restart
from tests.support.waiting import PATIENCE, eventually
from tests.system.faults.schedule import Fault
from tests.system.faults.world import World

DELAY_SECONDS = 0.1
LEASE_LEFT_SECONDS = 6.0
"""How long a gateway counts as alive after its death: its users are back elsewhere by then."""
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


async def _make_read_only(world: World, fault: Fault) -> None:
    """Behind the address of the primary is a server that takes no writes, as after a failover that went wrong."""
    if fault.target == "redis":
        await _break_redis(world, fault, ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))
        return
    for value in ("on", "off"):
        connection = await asyncpg.connect(world.postgres.url)
        await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()
        await asyncio.sleep(fault.lasts if value == "on" else 0)


async def _fill(world: World, fault: Fault) -> None:
    await _break_redis(world, fault, ("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"))


async def _forbid_scripts(world: World, fault: Fault) -> None:
    await _break_redis(
        world, fault, ("ACL", "SETUSER", "default", "-@scripting"), ("ACL", "SETUSER", "default", "+@scripting")
    )


async def _break_redis(world: World, fault: Fault, break_it: tuple[str, ...], mend_it: tuple[str, ...]) -> None:
    async with open_redis(world.redis.url) as redis:
        await redis.execute_command(*break_it)
        await asyncio.sleep(fault.lasts)
        await redis.execute_command(*mend_it)


async def _kill_and_keep_its_lease(world: World, fault: Fault) -> None:
    """Its users come back to the other gateway while it still counts as alive, as with a lease of half a minute."""
    process = world.process(fault.target)
    await process.kill()
    async with open_redis(world.redis.url) as redis:
        # Those who live renew theirs, which sets its length anew.
        for lease in await redis.keys(keys.lease("*")):
            await redis.pexpire(lease, int(LEASE_LEFT_SECONDS * 1000))
    await asyncio.sleep(fault.lasts)
    await process.start()


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
    "read-only": _make_read_only,
    "full": _fill,
    "no scripts": _forbid_scripts,
    "outlived by its lease": _kill_and_keep_its_lease,
    "kill at": _kill_at,
}
