"""Publishes envelopes: all that are offered while an earlier batch is on its way leave in one pipeline."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import structlog

from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_batches import Batches

log = structlog.get_logger()

MOST_WAITING = 20_000
"""Envelopes: a few seconds of the highest rate. What is offered beyond waits in Postgres instead."""
MOST_BYTES = 32 * 1024 * 1024
"""Of them all. A process has 512 MiB in Kubernetes, and a message may have 32 KB."""
ROOM_BYTES = 1024 * 1024
"""Below so many there is room for whoever has much to tell and may wait."""
BATCH = 500


class Envelope(NamedTuple):
    channel: str
    payload: bytes


class _Offer(NamedTuple):
    envelope: Envelope
    done: Callable[[bool], None]


class Publisher:
    """Sharded pub/sub (SPUBLISH), in the order of the offers, by the one coroutine `run`.

    That an envelope went out means that Redis took it, not that anybody got it.
    """

    def __init__(self, redis: RedisClient, *, most_waiting: int = MOST_WAITING, most_bytes: int = MOST_BYTES) -> None:
        self._redis = Batches(redis)
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._waiting: deque[_Offer] = deque()
        self.waiting_bytes = 0
        """Of what was offered and is not answered."""
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._wake = asyncio.Event()
        self._failing = False

    def offer(self, envelope: Envelope, done: Callable[[bool], None]) -> None:
        """Never waits. `done` hears, once, whether the envelope went out; False at once where too much waits."""
        if len(self._waiting) >= self._most_waiting or self.waiting_bytes >= self._most_bytes:
            done(False)
            return
        self._waiting.append(_Offer(envelope, done))
        self._count(len(envelope.payload))
        self._wake.set()

    async def room(self) -> None:
        """Returns once fewer than ROOM_BYTES wait: for whoever has much to offer, before each envelope."""
        while not self._roomy.is_set():
            await self._roomy.wait()

    async def publish(self, envelopes: Sequence[Envelope]) -> bool:
        """Whether all of them went out. If not, some may have."""
        loop = asyncio.get_running_loop()
        answers: list[bool] = []
        all_answered: asyncio.Future[None] = loop.create_future()

        def note(went_out: bool) -> None:
            answers.append(went_out)
            if len(answers) == len(envelopes) and not all_answered.done():
                all_answered.set_result(None)

        for envelope in envelopes:
            self.offer(envelope, note)
        if envelopes:
            await all_answered
        return all(answers)

    async def run(self) -> None:
        """Forever. On its end whoever still waits hears that it did not go out."""
        try:
            while True:
                await self._wake.wait()
                batch = self._next()
                if not self._waiting:
                    self._wake.clear()
                _answer(batch, await self._send(batch))
                self._count(-sum(len(offer.envelope.payload) for offer in batch))
        finally:
            waiting, self._waiting = self._waiting, deque()
            self._count(-self.waiting_bytes)
            _answer(waiting, [False] * len(waiting))

    def _next(self) -> list[_Offer]:
        """The first that wait: at most BATCH, and no more than about ROOM_BYTES, for a pipeline copies them."""
        batch: list[_Offer] = []
        size = 0
        while self._waiting and len(batch) < BATCH and size < ROOM_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].envelope.payload)
        return batch

    def _count(self, size: int) -> None:
        self.waiting_bytes += size
        if self.waiting_bytes < ROOM_BYTES:
            self._roomy.set()
        else:
            self._roomy.clear()

    async def _send(self, batch: Sequence[_Offer]) -> list[bool]:
        try:
            answers = await self._redis.send(
                [("SPUBLISH", self._redis.named(offer.envelope.channel), offer.envelope.payload) for offer in batch]
            )
        except REDIS_FAILURES as error:
            self._note_failure(error)
            return [False] * len(batch)
        failure = next((answer for answer in answers if isinstance(answer, Exception)), None)
        self._note_failure(failure)
        return [not isinstance(answer, Exception) for answer in answers]

    def _note_failure(self, failure: Exception | None) -> None:
        """Counts each, logs the first and the end of a row of them: an outage is one event, not thousands."""
        if failure is not None:
            ERRORS.labels("persistence", "publish").inc()
        if failure is not None and not self._failing:
            log.warning("publishing fails, the relay will repeat it", error=f"{type(failure).__name__}: {failure}")
        if failure is None and self._failing:
            log.info("publishing works again")
        self._failing = failure is not None


def _answer(offers: Collection[_Offer], answers: Sequence[bool]) -> None:
    for offer, went_out in zip(offers, answers, strict=True):
        offer.done(went_out)
