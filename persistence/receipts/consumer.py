"""The consumer of the receipts stream: applies what gateways report, tells the rooms, then acknowledges."""

import asyncio
import time
from collections.abc import Sequence

import asyncpg
import structlog

from persistence.database.pool import DATABASE_FAILURES, Pool
from persistence.log.delivery import Delivery
from persistence.receipts import cursors, envelopes
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.receipts.stream import Entry, ReceiptsStream
from persistence.receipts.views import Moved
from persistence.users import store as users
from shared.checkpoints import RECEIPTS_APPLIED, Checkpoints
from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES
from shared.streams import ReceiptBatch
from shared.wire import is_foreign

log = structlog.get_logger()

ENTRIES = 100
BLOCK_SECONDS = 1.0
"""The stream's client must wait longer than this for an answer."""
CLAIM_IDLE_SECONDS = 5.0
"""Far above what an entry takes: whoever took it and was silent for so long is dead, or failed with it."""
RETRY_SECONDS = 0.5
FORGET_SECONDS = 600.0


class ReceiptsConsumer:
    """One for each of the two streams in every persistence process; `run` does the work.

    An entry leaves the stream only after Postgres has it and both the room and its gateway were told. Who dies before
    that leaves it to the others, who apply it again (a cursor only goes forward) and tell the room again.

    A batch of another epoch is another deployment's: it is handed over, and only theirs say that it is applied. One of
    a history that is no more comes again from its gateway, which follows the new one by then.
    """

    def __init__(
        self,
        pool: Pool,
        stream: ReceiptsStream,
        delivery: Delivery,
        announcer: ReceiptAnnouncer,
        checkpoints: Checkpoints,
        *,
        claim_idle_seconds: float = CLAIM_IDLE_SECONDS,
    ) -> None:
        self._pool = pool
        self._stream = stream
        self._delivery = delivery
        self._announcer = announcer
        self._checkpoints = checkpoints
        self._claim_idle_seconds = claim_idle_seconds
        self._claim_at = time.monotonic() + claim_idle_seconds

    async def run(self) -> None:
        """Forever. What Redis and Postgres do is waited out."""
        while True:
            try:
                await self._turn()
            except (*REDIS_FAILURES, *DATABASE_FAILURES) as error:
                ERRORS.labels("persistence", "receipts").inc()
                log.warning("receipts have to wait", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(RETRY_SECONDS)

    async def _turn(self) -> None:
        if time.monotonic() >= self._claim_at:
            await self._deal_with(await self._stream.claim(ENTRIES, self._claim_idle_seconds), claimed=True)
            await self._stream.forget_consumers(FORGET_SECONDS)
            self._claim_at = time.monotonic() + self._claim_idle_seconds / 2
        await self._deal_with(await self._stream.take(ENTRIES, BLOCK_SECONDS), claimed=False)

    async def _deal_with(self, entries: Sequence[Entry], *, claimed: bool) -> None:
        for entry in entries:
            if entry.batch is None:
                await self._drop(entry, entry.trouble)
        foreign = [entry for entry in entries if self._is_foreign(entry)]
        await self._stream.hand_over(foreign)
        readable = [entry for entry in entries if entry.batch is not None and entry not in foreign]
        try:
            await self._take_in(readable, claimed=claimed)
        except DATABASE_FAILURES:
            raise
        except asyncpg.PostgresError as error:
            await self._take_in_alone(readable, error, claimed=claimed)

    def _is_foreign(self, entry: Entry) -> bool:
        return entry.batch is not None and is_foreign(entry.batch.epoch, self._delivery.epoch)

    async def _take_in_alone(self, entries: Sequence[Entry], error: Exception, *, claimed: bool) -> None:
        """One of these broke the statement for all: each is tried alone, and that one is dropped."""
        if len(entries) == 1:
            await self._drop(entries[0], f"{type(error).__name__}: {error}")
            return
        for entry in entries:
            await self._deal_with([entry], claimed=claimed)

    async def _take_in(self, entries: Sequence[Entry], *, claimed: bool) -> None:
        batches = [entry.batch for entry in entries if entry.batch is not None]
        if not batches:
            return
        moved = [
            *await self._apply([batch for batch in batches if not (claimed or batch.again)], again=False),
            *await self._apply([batch for batch in batches if claimed or batch.again], again=True),
        ]
        await users.mark_seen(self._pool, [seen for batch in batches for seen in batch.seen])
        await self._checkpoints.reach(RECEIPTS_APPLIED)
        told = [envelopes.applied(batch.gateway, batch.number) for batch in batches]
        # Else they stay pending, and are claimed once Redis is back.
        if await self._delivery.publish([*self._announcer.envelopes(moved), *told]):
            await self._stream.done([entry.id for entry in entries])

    async def _apply(self, batches: Sequence[ReceiptBatch], *, again: bool) -> list[Moved]:
        said = [cursor for batch in batches for cursor in batch.cursors]
        return await cursors.advance(self._pool, said, again=again) if said else []

    async def _drop(self, entry: Entry, trouble: str) -> None:
        ERRORS.labels("persistence", "receipt").inc()
        log.error("a receipt entry cannot be applied and is dropped", entry=entry.id, trouble=trouble)
        await self._stream.done([entry.id])
