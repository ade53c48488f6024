"""Tells the users of dead gateways offline. Whichever gateway finds one dead first claims it and does this."""

import structlog

from gateway.persistence_client import PersistenceClient
from gateway.presence.roster import Held
from gateway.presence.script import hold
from gateway.receipts.sender import Receipts
from shared import keys
from shared.clock import now_ms
from shared.presence import PresenceReader
from shared.redis import RedisClient

log = structlog.get_logger()

CLAIM_MS = 10_000
AT_ONCE = 200


class Sweeper:
    """`sweep` raises one of REDIS_FAILURES, or PersistenceAway: sweep again later."""

    def __init__(
        self,
        redis: RedisClient,
        incarnation: str,
        reader: PresenceReader,
        persistence: PersistenceClient,
        receipts: Receipts,
    ) -> None:
        self._redis = redis
        self._named = redis.named
        self._incarnation = incarnation
        self._reader = reader
        self._persistence = persistence
        self._receipts = receipts

    async def sweep(self) -> None:
        """Looks for the dead, and sweeps those whom nobody else does."""
        lapsed = await self._redis.execute_command(
            "ZRANGEBYSCORE", self._named(keys.GATEWAYS), "-inf", now_ms(), "WITHSCORES"
        )
        for name, ended in _pairs(lapsed):
            dead = name.decode()
            if dead != self._incarnation and not await self._is_alive(dead) and await self._claim(dead):
                await self._sweep(dead, int(float(ended)))

    async def _is_alive(self, incarnation: str) -> bool:
        """By the lease itself: the sorted set is scored by the dead one's clock."""
        return bool(await self._redis.execute_command("EXISTS", self._named(keys.lease(incarnation))))

    async def _claim(self, dead: str) -> bool:
        claim = await self._redis.execute_command(
            "SET", self._named(keys.sweep(dead)), self._incarnation, "NX", "PX", CLAIM_MS
        )
        return claim is not None

    async def _sweep(self, dead: str, ended_ms: int) -> None:
        swept = 0
        # It may have come back (a stopped container): then what it holds is its own again.
        while not await self._is_alive(dead):
            found = await self._redis.execute_command("SRANDMEMBER", self._named(keys.holders(dead)), AT_ONCE)
            if not found:
                await self._redis.execute_command("ZREM", self._named(keys.GATEWAYS), dead)
                break
            await self._tell_offline(dead, [user.decode() for user in found], min(ended_ms, now_ms()))
            await self._redis.execute_command("PEXPIRE", self._named(keys.sweep(dead)), CLAIM_MS)
            swept += len(found)
        await self._redis.execute_command("DEL", self._named(keys.sweep(dead)))
        log.info("swept a dead gateway", dead=dead, users=swept)

    async def _tell_offline(self, dead: str, users: list[str], at_ms: int) -> None:
        rooms = (await self._persistence.peers(users)).rooms
        live = [name for name in await self._reader.live() if name != dead]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for user_id in users:
                held = Held(user_id, None, rooms.get(user_id, []), at_ms)
                pipeline.execute_command(*hold(self._named, dead, held, live))
            totals = await pipeline.execute()
        for user_id, total in zip(users, totals, strict=True):
            if total == 0:
                self._receipts.saw(user_id, at_ms)
        await self._redis.execute_command("SREM", self._named(keys.holders(dead)), *users)


def _pairs(flat: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
