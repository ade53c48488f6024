"""Tells the users of dead gateways offline. Whichever gateway finds one dead first claims it and does this."""

import structlog

from gateway.persistence_client import PersistenceClient
from gateway.presence.roster import Held
from gateway.presence.script import hold
from gateway.receipts.sender import ReceiptSender
from shared import keys
from shared.clock import now_ms
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.wire import is_foreign

log = structlog.get_logger()

CLAIM_MS = 10_000
FORGOTTEN_AFTER_MS = 3_600_000
"""What a gateway of another line of history held, which nobody swept for so long: there is no fleet of its any more."""
AT_ONCE = 200


class Sweeper:
    """`sweep` raises one of REDIS_FAILURES, or PersistenceAway: sweep again later."""

    def __init__(
        self,
        redis: RedisClient,
        incarnation: str,
        reader: PresenceReader,
        persistence: PersistenceClient,
        receipts: ReceiptSender,
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
            dead, ended_ms = name.decode(), int(float(ended))
            if dead == self._incarnation or await self._is_alive(dead):
                continue
            if await self._is_foreign(dead):
                await self._forget(dead, ended_ms)
            elif await self._claim(dead):
                await self._sweep(dead, ended_ms)

    async def _is_foreign(self, dead: str) -> bool:
        """Another deployment's, whose own gateways sweep it."""
        epoch = await self._redis.execute_command("HGET", self._named(keys.EPOCHS), dead)
        return is_foreign((epoch or b"").decode(), self._reader.epoch)

    async def _forget(self, dead: str, ended_ms: int) -> None:
        """Without a word to anybody."""
        if ended_ms > now_ms() - FORGOTTEN_AFTER_MS or not await self._claim(dead):
            return
        holders = self._named(keys.holders(dead))
        while found := await self._redis.execute_command("SRANDMEMBER", holders, AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for user in found:
                    pipeline.execute_command("HDEL", self._named(keys.presence(user.decode())), dead)
                pipeline.execute_command("SREM", holders, *found)
                await pipeline.execute()
        await self._strike(dead)

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
                await self._strike(dead)
                break
            await self._tell_offline(dead, [user.decode() for user in found], min(ended_ms, now_ms()))
            await self._redis.execute_command("PEXPIRE", self._named(keys.sweep(dead)), CLAIM_MS)
            swept += len(found)
        await self._redis.execute_command("DEL", self._named(keys.sweep(dead)))
        log.info("swept a dead gateway", dead=dead, users=swept)

    async def _strike(self, dead: str) -> None:
        await self._redis.execute_command("ZREM", self._named(keys.GATEWAYS), dead)
        await self._redis.execute_command("HDEL", self._named(keys.EPOCHS), dead)

    async def _tell_offline(self, dead: str, users: list[str], at_ms: int) -> None:
        peers = await self._persistence.peers(users)
        live = [name for name in await self._reader.live() if name != dead]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for user_id in users:
                held = Held(
                    user_id, None, peers.rooms.get(user_id, []), at_ms, is_discreet=user_id in (peers.discreet or ())
                )
                pipeline.execute_command(*hold(self._named, dead, held, live, self._reader.epoch))
            totals = await pipeline.execute()
        for user_id, total in zip(users, totals, strict=True):
            if total == 0:
                self._receipts.saw(user_id, at_ms)
        await self._redis.execute_command("SREM", self._named(keys.holders(dead)), *users)


def _pairs(flat: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))
