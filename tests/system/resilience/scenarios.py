"""One part goes, for as long as one likes, while everybody talks; what the clients saw of it is the outcome."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.servers import kill, paused, restart
from tests.support.waiting import eventually
from tests.system.resilience.crowd import Answers, Crowd
from tests.system.resilience.deployment import Deployment, is_ready

PACE = 25.0
"""Messages a second, from all together."""


@dataclass(frozen=True)
class GatewayDied:
    """`seconds`: from its death until each client was up to date on the other one, in order."""

    clients: int
    seconds: list[float]
    answers: Answers
    violations: list[str]

    def __str__(self) -> str:
        cuts = statistics.quantiles(self.seconds, n=100)
        return (
            f"{self.clients} clients of a gateway that was killed: up to date on the other one after"
            f" p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, all {self.seconds[-1]:.2f} s; sends: {self.answers}"
        )


async def gateway_dies(made: Deployment, crowd: Crowd, victim: int) -> GatewayDied:
    """Everybody's gateway is killed; they find the others as a load balancer leads them."""
    async with _talking(crowd) as talk:
        await asyncio.sleep(1.0)
        crowd.gateways = [number for number in range(len(made.gateways)) if number != victim]
        for device in crowd.devices:
            device.connected.clear()  # before it dies: some are back before its end is noticed here
        began = time.monotonic()
        await made.gateways[victim].kill()
        seconds = await crowd.times_to_consistency(began)
    await crowd.settle()
    return GatewayDied(len(crowd.devices), seconds, await talk, await crowd.judge())


@dataclass(frozen=True)
class Outage:
    """`reconnects`: sockets that did not stay up. `arrived`: seconds from the end until everybody had everything."""

    part: str
    lasted: float
    answers: Answers
    reconnects: int
    arrived: float
    violations: list[str]

    def __str__(self) -> str:
        return (
            f"{self.part} for {self.lasted:.1f} s: sends: {self.answers}; {self.reconnects} reconnects;"
            f" everything had arrived {self.arrived:.2f} s after its end"
        )


@dataclass(frozen=True)
class RedisFrozen(Outage):
    """`unready_after`: seconds until the last gateway said that it is not ready."""

    unready_after: float

    def __str__(self) -> str:
        return f"{super().__str__()}; gateways unready after {self.unready_after:.1f} s"


async def redis_freezes(made: Deployment, crowd: Crowd, seconds: float) -> RedisFrozen:
    """For so long, or until every gateway says that it is not ready, whichever is later."""
    connects = _connects(crowd)
    async with _talking(crowd) as talk:
        await asyncio.sleep(0.5)
        began = time.monotonic()
        with paused(made.redis):
            await eventually(lambda: _none_ready(made))
            unready_after = time.monotonic() - began
            await asyncio.sleep(max(0.0, seconds - unready_after))
        ended = time.monotonic()
    answers, arrived = await talk, await _everything_arrives(crowd, ended)
    await eventually(lambda: _all_ready(made))
    reconnects = _connects(crowd) - connects
    return RedisFrozen("redis frozen", ended - began, answers, reconnects, arrived, await crowd.judge(), unready_after)


async def postgres_goes(made: Deployment, crowd: Crowd, seconds: float, *, frozen: bool = False) -> Outage:
    """Killed, and started again; or stopped in the midst of everything, and continued."""
    connects = _connects(crowd)
    async with _talking(crowd) as talk:
        await asyncio.sleep(0.5)
        began = time.monotonic()
        if frozen:
            with paused(made.postgres):
                await asyncio.sleep(seconds)
        else:
            kill(made.postgres)
            await asyncio.sleep(seconds)
            await restart(made.postgres)
        ended = time.monotonic()
    answers = await talk
    await crowd.insist(answers.refused)
    arrived = await _everything_arrives(crowd, ended)
    part = "postgres frozen" if frozen else "postgres killed"
    return Outage(part, ended - began, answers, _connects(crowd) - connects, arrived, await crowd.judge())


@asynccontextmanager
async def _talking(crowd: Crowd) -> AsyncIterator["asyncio.Task[Answers]"]:
    """Somebody sends while this lasts."""
    done = asyncio.Event()
    talk = asyncio.create_task(crowd.talk(PACE, done), name="talk")
    try:
        yield talk
    finally:
        done.set()
        await talk


async def _everything_arrives(crowd: Crowd, ended: float) -> float:
    await crowd.settle()
    return time.monotonic() - ended


def _connects(crowd: Crowd) -> int:
    return sum(device.connections for device in crowd.devices)


async def _none_ready(made: Deployment) -> bool:
    return not any([await is_ready(gateway) for gateway in made.gateways])


async def _all_ready(made: Deployment) -> bool:
    return all([await is_ready(gateway) for gateway in made.gateways])
