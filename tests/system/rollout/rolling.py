"""A rolling restart: each process ended politely and started again, one after another, while messages flow."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.drain import HINTED_PART
from services.verify.rest import Target
from tests.support.fleet import Fleet, ServiceProcess, fleet
from tests.system.load_balancer import balancer
from tests.system.load_balancer.balancer import LoadBalancer, Starter
from tests.system.rollout.phones import SETTINGS, Phones, phones, talking

LEAD_SECONDS = 1.0
"""Messages flow for so long before the first process is touched, and after the last one is back."""
MIN_READY_SECONDS = 1.5
"""As in Kubernetes: how long a process must have been ready before the next one goes. A load balancer that checks its
servers once a second has seen it by then."""


@dataclass
class Outcome:
    """What was seen. `hint_rate` is what the drain's own arithmetic allows: its sockets over its time, a second."""

    phones: int
    messages: int
    seconds: float
    reconnects: int
    fastest_second: int
    hint_rate: float
    longest_wait: float
    server_errors: dict[int, int]
    retried: int
    broken: int
    violations: list[str]

    def __str__(self) -> str:
        lines = [
            f"{self.phones} phones, {self.messages} messages in {self.seconds:.1f} s",
            f"{self.reconnects} reconnects, at most {self.fastest_second} a second ({self.hint_rate:.0f} by the drain)",
            f"longest from 201 to the last member: {self.longest_wait:.2f} s",
            f"503 and retried: {self.retried}; other 5xx: {self.server_errors}; broken connections: {self.broken}",
            *(f"VIOLATION {one}" for one in self.violations or ["none"]),
        ]
        return "\n".join(f"  {line}" for line in lines)


@contextlib.asynccontextmanager
async def behind(
    starter: Starter, directory: Path, database_url: str, redis_url: str, **settings: str
) -> AsyncIterator[tuple[Fleet, LoadBalancer]]:
    """Two gateways and two persistence processes behind this load balancer."""
    wanted = {**SETTINGS, "TRUSTED_PROXIES": "127.0.0.1/32", **settings}
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(two_of_each(logs, database_url, redis_url, **wanted))
        before = balancer.running(starter, directory / "balancer", of(running, "gateway"), of(running, "persistence"))
        yield running, await stack.enter_async_context(before)


def two_of_each(
    logs: Path, database_url: str, redis_url: str, **settings: str
) -> contextlib.AbstractAsyncContextManager[Fleet]:
    return fleet(logs, database_url, redis_url, gateways=2, persistences=2, pushers=0, **settings)


def of(fleet: Fleet, kind: str) -> list[ServiceProcess]:
    return [process for name, process in fleet.processes.items() if name.startswith(kind)]


def through(front: LoadBalancer) -> Callable[[], Target]:
    return lambda: Target(front.url, front.url)


async def restart_all(
    fleet: Fleet, front: LoadBalancer, *, size: int, per_second: float, drain_seconds: float
) -> Outcome:
    """All persistence processes, then all gateways, under so many phones and messages a second."""
    async with phones(fleet, through(front), size) as crowd:
        began = time.monotonic()
        async with talking(crowd, per_second):
            await asyncio.sleep(LEAD_SECONDS)
            await restart_each([*of(fleet, "persistence"), *of(fleet, "gateway")])
            await asyncio.sleep(LEAD_SECONDS)
        seconds = time.monotonic() - began
        found = await crowd.verdict()
        # One gateway alone has them all while the other is away.
        return outcome(crowd, began, seconds, size / (HINTED_PART * drain_seconds), found)


async def restart_each(processes: Sequence[ServiceProcess]) -> None:
    for process in processes:
        code = await process.stop(90)
        assert code == 0, f"{process.name} ended with {code}\n{process.log()[-2000:]}"
        await process.start()
        await asyncio.sleep(MIN_READY_SECONDS)


def outcome(crowd: Phones, began: float, seconds: float, hint_rate: float, found: list[str]) -> Outcome:
    traffic = crowd.traffic
    return Outcome(
        phones=len(crowd.devices),
        messages=crowd.sent,
        seconds=seconds,
        reconnects=sum(1 for one in traffic.upgraded_at if one > began),
        fastest_second=traffic.fastest_second(began),
        hint_rate=hint_rate,
        longest_wait=crowd.longest_wait(),
        server_errors=traffic.server_errors,
        retried=traffic.statuses[503],
        broken=sum(traffic.broken.values()),
        violations=found,
    )
