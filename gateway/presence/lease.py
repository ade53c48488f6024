"""This gateway's sign of life, renewed three times in its length. What it holds counts while the lease is there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import msgspec
import structlog

from shared import keys
from shared.clock import now_ms
from shared.redis import REDIS_FAILURES, RedisClient
from shared.streams import GatewayStats

log = structlog.get_logger()

RETRY_SECONDS = 0.5


class Lease:
    """`run` must run, as a task of the owner's. `on_lost()` is called when it was renewed after it had lapsed: others
    may have swept what this gateway held, or Redis came back empty."""

    def __init__(
        self,
        redis: RedisClient,
        incarnation: str,
        seconds: float,
        read_stats: Callable[[], GatewayStats],
        on_lost: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._named = redis.named
        self._incarnation = incarnation
        self._seconds = seconds
        self._read_stats = read_stats
        self._on_lost = on_lost
        self._taken = False
        self._lapsed = False
        self._surely_until = 0.0  # by the answers that came
        self._asked = asyncio.Event()

    async def run(self) -> None:
        while True:
            self._asked.clear()
            try:
                await self.renew()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds / 3):
                        await self._asked.wait()
            except REDIS_FAILURES as error:
                log.warning("lease not renewed", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(min(RETRY_SECONDS, self._seconds / 6))

    def renew_soon(self) -> None:
        """What it says has changed."""
        self._asked.set()

    async def renew(self) -> None:
        began = monotonic()
        # Race: a renewal whose answer was lost may have put back a lease that had lapsed; the next one finds it there.
        was_there = await self._write(self._seconds) and monotonic() < self._surely_until
        self._surely_until = began + self._seconds
        # A sweep that had begun before may still remove what is told again now: so once more at the next renewal.
        again, self._lapsed = self._lapsed, self._taken and not was_there
        self._taken = True
        if self._lapsed:
            log.warning("lease had lapsed")
        if self._lapsed or again:
            self._on_lost()

    async def release(self, linger_seconds: float) -> None:
        """Lets it end by itself after this long: who reconnects elsewhere before that was never offline."""
        await self._write(max(linger_seconds, 0.001))

    async def _write(self, seconds: float) -> bool:
        """True where the lease was still there."""
        milliseconds = int(seconds * 1000)
        async with self._redis.pipeline(transaction=False) as pipeline:
            stats = self._read_stats()
            value = msgspec.json.encode(stats)
            pipeline.execute_command(
                "SET", self._named(keys.lease(self._incarnation)), value, "PX", milliseconds, "GET"
            )
            pipeline.execute_command("ZADD", self._named(keys.GATEWAYS), now_ms() + milliseconds, self._incarnation)
            if stats.epoch:
                pipeline.execute_command("HSET", self._named(keys.EPOCHS), self._incarnation, stats.epoch)
            before, *_ = await pipeline.execute()
        return before is not None
