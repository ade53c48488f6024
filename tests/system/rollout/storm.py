"""A storm after an outage: all sockets dropped at once, and what the gateways do with those who come back."""

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp

from shared.ids import new_id
from tests.support.fleet import ROOT, Fleet, ServiceProcess
from tests.support.metrics import samples, total
from tests.support.waiting import eventually
from tests.system.rollout.phones import Phones, talking
from tests.system.rollout.rolling import of

LAG = "parley_loop_lag_seconds"
LAG_BOUND = "0.25"
HEALTH_SECONDS = 0.2
STAYING_PER_SECOND = 20.0


@dataclass
class Storm:
    """`admitted` are the arrivals of each half second; `late` measurements found a gateway's loop 250 ms behind."""

    sockets: int
    seconds: float
    admitted: list[int]
    allowed_a_second: float
    refused: int
    late: float
    measured: float
    health: list[float]
    unhealthy: int
    longest_wait: float
    staying_lost: int
    violations: list[str]

    @property
    def fastest_second(self) -> int:
        return max(map(sum, zip(self.admitted, self.admitted[1:], strict=False)), default=0)

    def __str__(self) -> str:
        lines = [
            f"{self.sockets} sockets back in {self.seconds:.1f} s, {self.refused} upgrades refused meanwhile",
            f"at most {self.fastest_second} a second ({self.allowed_a_second:.0f} by ACCEPT_RATE)",
            f"loops over 250 ms late: {self.late:.0f} of {self.measured:.0f} measurements",
            f"/health: {len(self.health)} answers, the slowest {max(self.health):.2f} s; {self.unhealthy} failed",
            f"who stayed: 201 to the last member {self.longest_wait:.2f} s at most, {self.staying_lost} sockets lost",
            *(f"VIOLATION {one}" for one in self.violations or ["none"]),
        ]
        return "\n".join(f"  {line}" for line in lines)


@dataclass
class Herding:
    """The other process, and what it told last."""

    process: Process
    connected: int = 0
    refused: int = 0
    arrivals: list[int] = field(default_factory=list)

    def drop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"drop\n")

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            self.connected, self.refused = told["connected"], told["refused"]
            self.arrivals.append(told["arrivals"])


@contextlib.asynccontextmanager
async def herd(fleet: Fleet, size: int) -> AsyncIterator[Herding]:
    """So many phones of as many users, all of them connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.system.rollout.herd", cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    made = Herding(process)
    listening = asyncio.create_task(made.listen(), name="herd")
    try:
        assert process.stdin is not None
        targets = [["127.0.0.1", gateway.port] for gateway in of(fleet, "gateway")]
        tokens = [fleet.token(new_id(), f"herd{number}") for number in range(size)]
        process.stdin.write(json.dumps({"targets": targets, "tokens": tokens}).encode() + b"\n")
        await eventually(lambda: made.connected == size, 120)
        yield made
    finally:
        process.kill()
        await process.wait()
        await listening


async def storm(fleet: Fleet, staying: Phones, size: int, accept_rate: float) -> Storm:
    """Drops `size` sockets at once and waits until all are back, while those who stay go on talking."""
    gateways = of(fleet, "gateway")
    before = staying.traffic.statuses[101]
    async with herd(fleet, size) as made, watched_health(of(fleet, "")) as health, talking(staying, STAYING_PER_SECOND):
        before_it = await _lag(gateways)
        refused, place, began = made.refused, len(made.arrivals), time.monotonic()
        made.drop()
        await eventually(lambda: made.connected < size, 30)
        await eventually(lambda: made.connected == size, 120)
        seconds = time.monotonic() - began
        after_it = await _lag(gateways)
    return Storm(
        sockets=size,
        seconds=seconds,
        admitted=made.arrivals[place:],
        allowed_a_second=len(gateways) * accept_rate,
        refused=made.refused - refused,
        late=after_it[0] - before_it[0],
        measured=after_it[1] - before_it[1],
        health=health.answers,
        unhealthy=health.failures,
        longest_wait=staying.longest_wait(),
        staying_lost=staying.traffic.statuses[101] - before,
        violations=await staying.verdict(),
    )


@dataclass
class Health:
    answers: list[float] = field(default_factory=list)
    failures: int = 0

    async def ask(self, session: aiohttp.ClientSession, process: ServiceProcess) -> None:
        while True:
            began = time.monotonic()
            try:
                async with session.get(f"{process.url}/health") as response:
                    self.failures += response.status != 200
                self.answers.append(time.monotonic() - began)
            except (aiohttp.ClientError, TimeoutError):
                self.failures += 1
            await asyncio.sleep(HEALTH_SECONDS)


@contextlib.asynccontextmanager
async def watched_health(processes: list[ServiceProcess]) -> AsyncIterator[Health]:
    """Each process' /health, asked five times a second over connections of its own, as a load balancer does."""
    health = Health()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5)) as session:
        asking = [asyncio.create_task(health.ask(session, process), name="health") for process in processes]
        try:
            yield health
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


async def _lag(gateways: list[ServiceProcess]) -> tuple[float, float]:
    """How many measurements of the loops' lag were over the bound, and how many there were."""
    late = measured = 0.0
    for gateway in gateways:
        told = await samples(gateway)
        every = total(told, f"{LAG}_count")
        late += every - total(told, f"{LAG}_bucket", le=LAG_BOUND)
        measured += every
    return late, measured
