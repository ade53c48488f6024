"""Pushers, a persistence process, gateways and the fake Expo, wired as composition roots do it, over real servers."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.pusher import pusher
from shared import keys
from shared.lifecycle import Stop
from shared.presence import PresenceReader
from shared.settings import Settings
from shared.tracing import NoTracing
from tests.integration.gateway.world import World, world
from tests.integration.rest.conftest import SECRET, SERVICE_TOKEN, Person
from tests.support.fake_expo import FakeExpo, fake_expo
from tests.support.fleet import Fleet, ServiceProcess
from tests.support.waiting import eventually

ACK_SECONDS = 1.0
"""As tests/integration/persistence/parts.py sets it."""
BURST_SECONDS = 600.0
"""A window ends when a test lets it, not when the machine was slow."""
LEASES_SECONDS = 300.0
"""What ends sooner is no window, but a worker's lease on one."""


_TOOK_IT = "SELECT user_id FROM participants WHERE conversation_id = $1 AND greatest(attended_seq, read_seq) >= 1"


@dataclass
class PushWorld:
    """`parley` has persistence and makes gateways; `expo` is what phones would get."""

    parley: World
    expo: FakeExpo

    def person(self, handle: str = "ann") -> Person:
        return self.parley.person(handle)

    async def with_phone(self, handle: str, platform: str | None = "ios") -> tuple[Person, str]:
        """A user with a registered device; its token."""
        person = self.person(handle)
        token = f"ExponentPushToken[{person.id}]"
        await self.register(person, token, platform)
        return person, token

    async def register(self, person: Person, token: str, platform: str | None = "ios") -> None:
        body = {"token": token, **({"platform": platform} if platform else {})}
        await person.post("/notifications/register-token", body)

    @asynccontextmanager
    async def pusher(self, **changes: Any) -> AsyncIterator[None]:
        """One more pusher, in this process; leaving stops it cleanly."""
        stop = Stop()
        async with pusher(replace(self._settings, **changes), stop, NoTracing()):
            yield
        assert stop.failure is None, stop.failure.__cause__

    async def doomed_pusher(self, directory: Path, checkpoint: str) -> ServiceProcess:
        """One that kills itself at this checkpoint; started, and ready."""
        environment = {
            "REDIS_URL": self.parley.redis_url,
            "PERSISTENCE_URL": self.parley.persistence_url,
            "SERVICE_TOKEN": SERVICE_TOKEN,
            "EXPO_PUSH_URL": self.expo.url,
            "DOOMED_AT": checkpoint,
        }
        process = Fleet(directory, environment, SECRET).add("pusher")
        await process.start()
        return process

    async def let_entries_rest(self) -> None:
        """As if a minute had passed for what is pending, and none for the claims on it."""
        redis = self.parley.rest.parts.redis
        for stream in (keys.UNDELIVERED, keys.UNDELIVERED_BULK):
            for entry in await self.pending(stream):
                await redis.xclaim(
                    stream,
                    keys.UNDELIVERED_GROUP,
                    entry["consumer"],
                    0,
                    [entry["message_id"]],
                    idle=60_000,
                    retrycount=entry["times_delivered"],
                    justid=True,
                )

    async def pending(self, stream: str = keys.UNDELIVERED) -> list[dict[str, Any]]:
        """Entries that a pusher took and did not finish."""
        redis: Any = self.parley.rest.parts.redis
        if await redis.exists(stream) == 0 or not await redis.xinfo_groups(stream):
            return []
        found = await redis.xpending_range(stream, keys.UNDELIVERED_GROUP, min="-", max="+", count=1000)
        return list(found)

    async def let_leases_run_out(self) -> None:
        """As if a minute had passed since a pusher died: its entries had their rest, its claims have ended."""
        await self.let_entries_rest()
        await self.parley.rest.parts.pool.execute(
            "UPDATE push_ledger SET lease_until = now() - interval '1 second' WHERE state = 'calling'"
        )

    async def settled(self) -> None:
        """Returns when what was sent is in the streams."""
        pool = self.parley.rest.parts.pool

        async def empty() -> bool:
            return not await pool.fetchval("SELECT count(*) FROM outbox")

        await eventually(empty)

    async def drained(self, seconds: float = 10.0) -> None:
        """Returns when every deadline has passed, every entry is acknowledged, and every burst's window has ended."""
        await eventually(self._is_drained, seconds)

    async def let_windows_end(self) -> None:
        """As if BURST_SECONDS had passed since the last message."""
        redis: Any = self.parley.rest.parts.redis
        after = (time.time() + LEASES_SECONDS) * 1000
        for member in await redis.zrangebyscore(self.windows, after, "+inf"):
            await redis.zadd(self.windows, {member: 1}, xx=True)

    @property
    def windows(self) -> str:
        """Of bursts."""
        return keys.of_epoch(keys.BURSTS, self.parley.rest.parts.epoch)

    async def online(self, *people: Person) -> None:
        """Returns when presence knows that they are."""
        reader, users = PresenceReader(self.parley.rest.parts.redis, str), {person.id for person in people}

        async def known() -> bool:
            return await reader.online(users) == users

        await eventually(known)

    async def took_it(self, room: str, *people: Person) -> None:
        """Returns when Postgres knows that these people have the first message while they look, or read it.

        A test that wants no push starts its pusher only then: a busy machine may be longer at it than ACK_SECONDS.
        """
        pool, users = self.parley.rest.parts.pool, {person.id for person in people}

        async def known() -> bool:
            rows = await pool.fetch(_TOOK_IT, room)
            return users <= {row["user_id"] for row in rows}

        await eventually(known)

    async def waiting(self) -> int:
        """Entries of both streams."""
        redis = self.parley.rest.parts.redis
        return int(await redis.xlen(keys.UNDELIVERED)) + int(await redis.xlen(keys.UNDELIVERED_BULK))

    async def _is_drained(self) -> bool:
        """Looks in the order in which a message goes, so that none slips through between two looks."""
        redis = self.parley.rest.parts.redis
        settling = await self.parley.rest.parts.pool.fetchval("SELECT count(*) FROM outbox")
        if settling or await redis.zcard(keys.DEADLINES) or await self.waiting():
            return False
        await self.let_windows_end()
        return int(await redis.zcard(self.windows)) == 0

    @property
    def _settings(self) -> Settings:
        return Settings(
            redis_url=self.parley.redis_url,
            persistence_url=self.parley.persistence_url,
            service_token=SERVICE_TOKEN,
            expo_push_url=self.expo.url,
            push_burst_seconds=BURST_SECONDS,
        )


@asynccontextmanager
async def push_world(database_url: str, redis_url: str) -> AsyncIterator[PushWorld]:
    async with world(database_url, redis_url) as parley, fake_expo() as expo:
        yield PushWorld(parley, expo)
