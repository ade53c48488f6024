"""Pushes under every fault at once: `python -m tests.system.push.soak --messages 10000`.

Expo fails one call in five in some way, one token in fifty is dead, and a pusher is killed every few seconds. The same
with few messages is a test of `make test`.
"""

import argparse
import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from persistence.database.migrate import migrate
from persistence.database.pool import Pool, open_pool
from services.embedded import EmbeddedPostgres, EmbeddedRedis
from shared import keys
from shared.ids import new_id
from shared.redis import RedisClient, open_redis
from tests.support.fake_expo import FakeExpo, Faults, fake_expo
from tests.support.fleet import Fleet, ServiceProcess, fleet
from tests.support.waiting import eventually
from tests.system.push.crowd import Member, gather_crowd
from tests.system.push.verdict import Kill, Verdict, judge

KILL_EVERY_SECONDS = 4.0
SENDERS_AT_ONCE = 16
DRAIN_SECONDS = 600.0

FAULTS = Faults(too_many_requests=0.05, error_after=0.05, hang_after=0.05, delay_seconds=0.05)
PLENTY = "100000:100000"


_OPEN_CLAIMS = """
SELECT l.message_id, d.token FROM push_ledger l JOIN devices d ON d.id = l.device_id WHERE l.state = 'calling'
"""


@dataclass
class Run:
    """What is being tested; `kills` are the deaths of pushers."""

    pool: Pool
    redis: RedisClient
    expo: FakeExpo
    processes: Fleet
    kills: list[Kill] = field(default_factory=list)

    @property
    def pushers(self) -> list[ServiceProcess]:
        return [process for name, process in self.processes.processes.items() if name.startswith("pusher")]

    async def send(self, sender_id: str, crowd: Sequence[Member], per_conversation: int) -> None:
        """So many messages to each, one after the other."""
        token = self.processes.token(sender_id, "ann")
        slots = asyncio.Semaphore(SENDERS_AT_ONCE)
        url = self.processes.processes["persistence-1"].url
        async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {token}"}) as http:

            async def say_to(member: Member) -> None:
                async with slots:
                    for number in range(per_conversation):
                        path = f"/api/conversations/{member.conversation_id}/messages"
                        async with http.post(path, json={"text": f"message {number}"}) as response:
                            assert response.status == 201, await response.text()

            await asyncio.gather(*map(say_to, crowd))

    async def kill_pushers(self) -> None:
        """Forever: one after the other, as the kernel's out-of-memory killer would; each comes back at once."""
        for pusher in itertools.cycle(self.pushers):
            await asyncio.sleep(KILL_EVERY_SECONDS)
            await self.kill(pusher)
            pusher.spawn()

    async def kill(self, pusher: ServiceProcess) -> None:
        await pusher.kill()
        at = time.time()
        # Before its leases run out nobody else takes these; what was on its way into the ledger is told no second time.
        claims = await self.pool.fetch(_OPEN_CLAIMS)
        self.kills.append(Kill(pusher.name, at, frozenset((row["message_id"], row["token"]) for row in claims)))

    async def drained(self) -> None:
        """Returns when nothing waits anywhere."""
        await eventually(self._is_drained, DRAIN_SECONDS)

    async def _is_drained(self) -> bool:
        """Looks in the order in which a message goes, so that none slips through between two looks."""
        await asyncio.sleep(0.2)
        waiting = [await self.pool.fetchval("SELECT count(*) FROM outbox"), await self.redis.zcard(keys.DEADLINES)]
        return not any([*waiting, await self._streams(), await self.redis.zcard(await self._windows())])

    async def _windows(self) -> str:
        return keys.of_epoch(keys.BURSTS, str(await self.pool.fetchval("SELECT epoch FROM meta")))

    async def _streams(self) -> int:
        return int(await self.redis.xlen(keys.UNDELIVERED)) + int(await self.redis.xlen(keys.UNDELIVERED_BULK))


async def soak(run: Run, messages: int, per_conversation: int, *, killing: bool = True) -> Verdict:
    """Sends, waits until everybody was told, and judges."""
    sender_id = new_id()
    crowd = await gather_crowd(run.pool, sender_id, messages // per_conversation)
    dead = {member.token for member in crowd[::50]}
    run.expo.faults.unregistered = sorted(dead)
    async with in_background(run.kill_pushers() if killing else asyncio.Event().wait()):
        await run.send(sender_id, crowd, per_conversation)
        await run.drained()
    newest = {member.token: per_conversation for member in crowd if member.token not in dead}
    return judge(run.expo.accepted, newest, run.kills, run.expo.calls["over_rate"])


@contextlib.asynccontextmanager
async def running(
    directory: Path, database_url: str, redis_url: str, *, burst_seconds: float = 5.0, faults: Faults = FAULTS
) -> AsyncIterator[Run]:
    """A persistence process and two pushers, over these servers; Expo knows which of them calls."""
    pool, redis = await open_pool(database_url, size=4), open_redis(redis_url)
    try:
        async with (
            fake_expo(msgspec.structs.replace(faults)) as expo,
            fleet(
                directory,
                database_url,
                redis_url,
                gateways=0,
                PUSH_BURST_SECONDS=str(burst_seconds),
                RATE_LIMIT_USER=PLENTY,
                RATE_LIMIT_ADDRESS=PLENTY,
            ) as processes,
        ):
            store = processes.processes["persistence-1"].internal_url
            for name in ("pusher-1", "pusher-2"):
                url = f"{expo.url}/{name}"
                await processes.add("pusher", name, PERSISTENCE_URL=store, EXPO_PUSH_URL=url).start()
            yield Run(pool, redis, expo, processes)
    finally:
        await redis.aclose()
        await pool.close()


@contextlib.asynccontextmanager
async def in_background(work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _main(messages: int, per_conversation: int) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with EmbeddedPostgres(directory) as postgres, EmbeddedRedis(directory) as redis:
            await migrate(postgres.url)
            async with running(directory, postgres.url, redis.url) as run:
                verdict = await soak(run, messages, per_conversation)
                calls, most = dict(run.expo.calls), run.expo.window.most
    figures = {name: value if isinstance(value, int) else len(value) for name, value in asdict(verdict).items()}
    print(f"{messages} messages in {time.monotonic() - started:.0f} s, {len(run.kills)} kills, calls {calls}")
    print(f"busiest second {most}")
    print("holds" if verdict.holds else "BROKEN", figures)
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=10_000)
    arguments.add_argument("--per-conversation", type=int, default=1)
    chosen = arguments.parse_args()
    sys.exit(asyncio.run(_main(chosen.messages, chosen.per_conversation)))
