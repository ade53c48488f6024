"""One attack on a fleet: how its bystanders fare before, during and after, and what the servers use."""

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import psutil

from shared.ids import new_id
from tests.support.fleet import ROOT, Fleet
from tests.support.person import Person
from tests.system.abuse.bystander import Bystanders, Seen

QUIET_SECONDS, WINDOW_SECONDS, WINDOWS = 2.0, 2.5, 3
MOST_SECONDS, MOST_TIMES = 0.1, 5.0
"""The bystander's p99: under 100 ms, or under five times its quiet value of the same run."""
MOST_MEGABYTES = {"gateway-1": 1024, "persistence-1": 512}
"""The limits of deploy/kubernetes."""
MOST_LINES = 200
"""Of a log, of one attack, beside those of what was done."""


@dataclass
class Outcome:
    name: str
    before: Seen
    during: list[Seen]
    after: Seen
    megabytes: dict[str, int]
    told: dict[str, int]
    lines: int
    missed: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return statistics.median(seen.percentile(0.99) for seen in self.during)

    def judge(self) -> "Outcome":
        quiet = max(self.before.percentile(0.99), 0.001)
        if self.p99 > max(MOST_SECONDS, MOST_TIMES * quiet):
            self.missed.append(f"p99 of {self.p99 * 1000:.0f} ms, quiet {quiet * 1000:.0f} ms")
        lost = self.before.missing + self.after.missing + sum(seen.missing for seen in self.during)
        if lost:
            self.missed.append(f"{lost} messages were not heard")
        over = [f"{name} used {used} MB" for name, used in self.megabytes.items() if used > MOST_MEGABYTES[name]]
        self.missed.extend(over)
        if self.lines > MOST_LINES:
            self.missed.append(f"{self.lines} log lines of refusals")
        return self

    def __str__(self) -> str:
        middle = sorted(self.during, key=lambda seen: seen.percentile(0.99))[len(self.during) // 2]
        memory = " ".join(f"{used:4}" for used in self.megabytes.values())
        return (
            f"{self.name:26} {self.before} | {middle} | {self.after} | {memory} | {self.lines:4} | {_short(self.told)}"
        )


def _short(told: dict[str, int]) -> str:
    return " ".join(f"{word}×{count}" for word, count in sorted(told.items(), key=lambda item: -item[1])[:4])


@asynccontextmanager
async def bystanders(fleet: Fleet, http: aiohttp.ClientSession) -> AsyncIterator[Bystanders]:
    sender, hearer = (_person(fleet, http, handle) for handle in ("ada", "bob"))
    room = await sender.converse(hearer)
    async with hearer.phone() as phone:
        yield Bystanders(sender, room, phone)


def _person(fleet: Fleet, http: aiohttp.ClientSession, handle: str) -> Person:
    user_id = new_id()
    rest, socket = fleet.processes["persistence-1"].url, fleet.processes["gateway-1"].url
    return Person(http, rest, fleet.token(user_id, handle), socket=socket, user_id=user_id)


@asynccontextmanager
async def attacked(fleet: Fleet, name: str, seconds: float) -> AsyncIterator[dict[str, int]]:
    """Under attack inside; what the attacker was told is in the dict afterwards."""
    told: dict[str, int] = {}
    ports = [str(fleet.processes[one].port) for one in ("gateway-1", "persistence-1")]
    arguments = [name, *ports, fleet.token(new_id(), "mallory"), str(seconds)]
    attacker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.system.abuse.attacker", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield told
        output, _ = await asyncio.wait_for(attacker.communicate(), seconds + 30)
        told.update(json.loads(output))
    finally:
        if attacker.returncode is None:
            attacker.kill()
            await attacker.wait()


async def trial(fleet: Fleet, http: aiohttp.ClientSession, name: str) -> Outcome:
    async with bystanders(fleet, http) as people:
        before, lines = await people.talk(QUIET_SECONDS), refusals_told(fleet)
        async with attacked(fleet, name, 1 + WINDOWS * WINDOW_SECONDS) as told, measured(fleet) as megabytes:
            await asyncio.sleep(1)
            during = [await people.talk(WINDOW_SECONDS) for _ in range(WINDOWS)]
        after = await people.talk(QUIET_SECONDS)
    return Outcome(name, before, during, after, megabytes, told, refusals_told(fleet) - lines).judge()


def refusals_told(fleet: Fleet) -> int:
    """Lines that say no: of what was refused, broken or unreadable."""
    signs = ('"status": 4', '"status":4', "unreadable", "warning", "error")
    return sum(
        any(sign in line for sign in signs) for one in fleet.processes.values() for line in one.log().splitlines()
    )


@asynccontextmanager
async def measured(fleet: Fleet) -> AsyncIterator[dict[str, int]]:
    """The most memory of each service within, in MB."""
    most = dict.fromkeys(MOST_MEGABYTES, 0)

    async def watch() -> None:
        while True:
            for name in most:
                used = psutil.Process(fleet.processes[name].pid).memory_info().rss >> 20
                most[name] = max(most[name], used)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch(), name="memory")
    try:
        yield most
    finally:
        watching.cancel()
