"""Publishes what lives for seconds (typing, probes): in pipelines, and given up where Redis does not take it."""

import asyncio

import structlog

from shared.redis import REDIS_FAILURES, RedisClient

log = structlog.get_logger()

MOST_WAITING = 10_000
AT_ONCE = 500


class Publisher:
    """`run` must run, as a task of the owner's."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._prefix = redis.prefix.encode()
        self._waiting: list[tuple[bytes, bytes]] = []
        self._news = asyncio.Event()

    def publish(self, channel: bytes, envelope: bytes) -> None:
        """At most once, soon. Beyond MOST_WAITING it is dropped."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((self._prefix + channel, envelope))
            self._news.set()

    async def publish_now(self, channel: bytes, payload: bytes) -> None:
        """On a channel of the bus's, as it stands in Redis. Raises one of REDIS_FAILURES."""
        await self._redis.execute_command("SPUBLISH", channel, payload)

    async def run(self) -> None:
        while True:
            await self._news.wait()
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            if not self._waiting:
                self._news.clear()
            try:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for channel, envelope in batch:
                        pipeline.execute_command("SPUBLISH", channel, envelope)
                    await pipeline.execute()
            except REDIS_FAILURES as error:
                log.warning("not published", error=f"{type(error).__name__}: {error}", envelopes=len(batch))
