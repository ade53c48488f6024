"""Brings receipts to persistence through the receipts stream, again until it says that it has them."""

import asyncio
from collections.abc import Callable
from time import monotonic

import msgspec
import structlog

from gateway.receipts.pending import PendingReceipts
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.stats import Stats
from shared import keys
from shared.redis import REDIS_FAILURES, RedisClient
from shared.streams import ReceiptBatch
from shared.wire import Kind, unpack_prefix

log = structlog.get_logger()

GATHER_SECONDS = 0.02
RETRY_SECONDS = 0.5
BATCHES_AT_ONCE = 20


class ReceiptSender:
    """Takes reports at any time; `run` must run, as a task of the owner's. Nothing reported is given up before then."""

    def __init__(self, redis: RedisClient, incarnation: str, stats: Stats, epoch: Callable[[], str]) -> None:
        self._redis = redis
        self._epoch = epoch
        self._stats = stats
        self._book = PendingReceipts(incarnation)
        self._news = asyncio.Event()
        self._applied = asyncio.Event()

    def delivered(self, session: Session, room: Room, seq: int) -> None:
        """The client has everything up to `seq`, which is no seq past the end; a person saw it if one is looking."""
        attended = seq if session.active else 0
        self._book.report(room.conversation_id, session.user.user_id, monotonic(), delivered=seq, attended=attended)
        self._news.set()

    def read(self, session: Session, room: Room, seq: int) -> None:
        self._book.report(room.conversation_id, session.user.user_id, monotonic(), read=seq)
        self._news.set()

    def saw(self, user_id: str, at_ms: int) -> None:
        """The user went offline at this time."""
        self._book.saw(user_id, at_ms, monotonic())
        self._news.set()

    def on_envelope(self, envelope: bytes) -> None:
        """What comes on the gateway's own channel."""
        _, kind, _, number, _, _, _ = unpack_prefix(envelope)
        if kind == Kind.APPLIED:
            seconds = self._book.applied(number, monotonic())
            if seconds is not None:
                self._stats.ack.add(seconds)
                self._applied.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._news.wait()
                await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                self._book.put_back_overdue(monotonic())
            self._news.clear()
            if not await self._send():
                await asyncio.sleep(RETRY_SECONDS)

    async def settled(self) -> None:
        """Returns once everything that was reported is in Postgres."""
        while self._book.has_news or self._book.on_the_way:
            self._applied.clear()
            await self._applied.wait()

    def _take(self) -> ReceiptBatch | None:
        return self._book.take(monotonic(), self._epoch())

    async def _send(self) -> bool:
        batches: list[ReceiptBatch] = []
        while len(batches) < BATCHES_AT_ONCE and (batch := self._take()) is not None:
            batches.append(batch)
        if not batches:
            return True
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for batch in batches:
                    pipeline.execute_command(
                        "XADD", self._redis.named(keys.RECEIPTS), "*", "batch", msgspec.json.encode(batch)
                    )
                await pipeline.execute()
        except REDIS_FAILURES as error:
            log.warning("receipts not sent yet", error=f"{type(error).__name__}: {error}", batches=len(batches))
            for batch in batches:
                self._book.put_back(batch.number, monotonic())
            return False
        if self._book.has_news:
            self._news.set()
        return True
