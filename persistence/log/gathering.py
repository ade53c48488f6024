"""Work that nobody waits for: what comes within a moment is done together, after the answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from persistence.database.pool import DATABASE_FAILURES
from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

Item = TypeVar("Item")

BATCH = 500
GATHER_SECONDS = 0.02
"""Nobody waits for it, and for all that were sent meanwhile it costs four round trips instead of four for each."""
MOST_WAITING = 20_000


class Gathering(Generic[Item]):
    """`add` never waits; `run` does the work, at most BATCH at a time. Only for work that a relay does where it was not
    done: beyond MOST_WAITING, or where it failed."""

    def __init__(self, work: Callable[[list[Item]], Awaitable[None]]) -> None:
        self._work = work
        self._items: list[Item] = []
        self._wake = asyncio.Event()

    def add(self, item: Item) -> None:
        if len(self._items) < MOST_WAITING:
            self._items.append(item)
            self._wake.set()

    async def run(self) -> None:
        """Forever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            batch, self._items = self._items[:BATCH], self._items[BATCH:]
            if not self._items:
                self._wake.clear()
            try:
                await self._work(batch)
            except (*REDIS_FAILURES, *DATABASE_FAILURES) as error:
                ERRORS.labels("persistence", "settle").inc()
                log.warning("settling fails, the relay will repeat it", error=f"{type(error).__name__}: {error}")
