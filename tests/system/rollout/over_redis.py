"""A fleet whose Redis is hurt while phones talk; and the proof that whatever goes through Redis works after it."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp

from services.verify import truth
from services.verify.rest import Target
from tests.support.fleet import Fleet, ServiceProcess
from tests.support.metrics import sample
from tests.support.waiting import eventually
from tests.system.rollout.phones import SETTINGS, Phones, phones, talking
from tests.system.rollout.rolling import LEAD_SECONDS, Outcome, of, outcome, two_of_each

DECISIONS = "parley_rate_limit_decisions_total"
CHEAP = "/api/conversations?limit=1"

Hurt = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def talking_fleet(
    directory: Path, database_url: str, redis_url: str, size: int, **settings: str
) -> AsyncIterator[tuple[Fleet, Phones]]:
    """Two of each, and phones that go to any of them."""
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    wanted = {**SETTINGS, "LEASE_SECONDS": "3", **settings}
    async with (
        two_of_each(logs, database_url, redis_url, **wanted) as fleet,
        phones(fleet, spread(fleet), size) as crowd,
    ):
        yield fleet, crowd


def spread(fleet: Fleet) -> Callable[[], Target]:
    """As a load balancer does, to any of those that were started."""
    dice = random.Random(1)

    def target() -> Target:
        stores, gateways = _running(fleet, "persistence"), _running(fleet, "gateway")
        return Target(dice.choice(stores).url, dice.choice(gateways).url)

    return target


async def survive(
    fleet: Fleet, crowd: Phones, per_second: float, hurt: Hurt, after_seconds: float = LEAD_SECONDS
) -> Outcome:
    """Phones talk, `hurt` happens, they talk on; then everybody has everything, and Redis does all its work again."""
    began = time.monotonic()
    async with talking(crowd, per_second):
        await asyncio.sleep(LEAD_SECONDS)
        await hurt()
        await asyncio.sleep(after_seconds)
    seconds = time.monotonic() - began
    for process in fleet.processes.values():
        assert process.runs, f"{process.name} has ended\n{process.log()[-3000:]}"
    found = await crowd.verdict()
    await everything_works(fleet, crowd)
    return outcome(crowd, began, seconds, 0.0, found)


async def everything_works(fleet: Fleet, crowd: Phones) -> None:
    """Links proven (pub/sub), presence, the receipts' stream, and limits that Redis counts."""
    for process in _running(fleet, "gateway"):
        await process.ready(60)
    for conversation_id in list(crowd.conversations)[:8]:
        await eventually(lambda conversation_id=conversation_id: _all_are_online(crowd, conversation_id), 20)  # type: ignore[misc]
        await eventually(lambda conversation_id=conversation_id: _reading_counts(crowd, conversation_id), 20)  # type: ignore[misc]
    for process in _running(fleet, "persistence"):
        await eventually(lambda process=process: _limits_by_redis(process, crowd), 20)  # type: ignore[misc]


async def _all_are_online(crowd: Phones, conversation_id: str) -> bool:
    members = crowd.conversations[conversation_id]
    told = await truth.presence(crowd.device(members[0]).rest, members)
    return set(told) == set(members) and all(told.values())


async def _reading_counts(crowd: Phones, conversation_id: str) -> bool:
    """Through the gateway, the stream and persistence, into the list of conversations."""
    reader = crowd.device(crowd.conversations[conversation_id][-1])
    await reader.read_all(conversation_id)
    answer = await reader.rest.persist("GET", "/api/conversations?limit=100")
    read = next(one["readSeq"] for one in answer["conversations"] if one["id"] == conversation_id)
    return bool(read == reader.cursor(conversation_id))


async def _limits_by_redis(process: ServiceProcess, crowd: Phones) -> bool:
    before = await sample(process, DECISIONS, source="redis")
    headers = {"Authorization": f"Bearer {crowd.devices[0].token()}"}
    async with aiohttp.ClientSession() as session, session.get(f"{process.url}{CHEAP}", headers=headers) as response:
        await response.read()
    return await sample(process, DECISIONS, source="redis") > before


def _running(fleet: Fleet, kind: str) -> list[ServiceProcess]:
    return [process for process in of(fleet, kind) if process.runs]
