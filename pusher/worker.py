"""One worker: takes undelivered messages from the stream and leaves none unsettled.

An entry is acknowledged only when each of its users is settled. One that is not (Expo busy, an ambiguous answer,
another worker at it) stays pending and is taken again after REST_SECONDS, by this worker or, if it died, by another.
An entry may come twice; the ledger makes it one push.
"""

import asyncio
from collections.abc import Iterator, Sequence

import structlog

from pusher.delivery import Delivery
from pusher.metrics import DEAD_LETTERS, STOPPED
from pusher.persistence_client import PersistenceAway
from pusher.stream import Entry, Poison, UndeliveredStream
from shared import push_api
from shared.checkpoints import PUSH_SETTLED, Checkpoints
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

BATCH_ENTRIES = 100
BATCH_USERS = 1000
"""How many users one look-up names: an entry of a large group is one of its own."""
BLOCK_SECONDS = 1.0
REST_SECONDS = 10.0
MAX_DELIVERIES = 50
"""An entry that was taken so often, over some ten minutes at least, and never settled, is a dead letter."""
PAUSE_SECONDS = 1.0


class Worker:
    """`run` forever. It raises only for a fault of our own: what Redis, persistence or Expo do is waited out."""

    def __init__(self, stream: UndeliveredStream, delivery: Delivery, checkpoints: Checkpoints) -> None:
        self._stream = stream
        self._delivery = delivery
        self._checkpoints = checkpoints

    async def run(self) -> None:
        while True:
            try:
                await self._turn()
            except REDIS_FAILURES as error:
                log.warning("redis is away", error=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
            except PersistenceAway as error:
                log.warning("persistence is away", error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _turn(self) -> None:
        """Deals once with what was left behind, or else with what is new."""
        rested = await self._stream.claim(BATCH_ENTRIES, REST_SECONDS)
        for batch in _batches(await self._readable(rested or await self._take())):
            await self._deal_with(batch)
        STOPPED.set(self._delivery.stopped is not None)
        if self._delivery.stopped:
            # The queue is kept until the credentials are right; asking Expo in a loop would help nobody.
            await asyncio.sleep(REST_SECONDS)

    async def _take(self) -> list[Entry | Poison]:
        return await self._stream.take(BATCH_ENTRIES, BLOCK_SECONDS)

    async def _readable(self, taken: Sequence[Entry | Poison]) -> list[Entry]:
        """Those that can be dealt with; the others become dead letters."""
        entries = []
        for one in taken:
            if isinstance(one, Poison):
                await self._bury(one, one.reason)
            elif one.deliveries > MAX_DELIVERIES:
                await self._bury(one, f"not settled in {MAX_DELIVERIES} deliveries")
            else:
                entries.append(one)
        return entries

    async def _bury(self, one: Entry | Poison, reason: str) -> None:
        await self._stream.bury(one.id, one.raw, reason)
        DEAD_LETTERS.inc()
        log.error("dead letter", entry=one.id, reason=reason)

    async def _deal_with(self, entries: Sequence[Entry]) -> None:
        unsettled = await self._delivery.push([_addressee(entry) for entry in entries])
        await self._checkpoints.reach(PUSH_SETTLED)
        open_messages = {message_id for message_id, _ in unsettled}
        await self._stream.done([entry.id for entry in entries if entry.message.message_id not in open_messages])


def _addressee(entry: Entry) -> push_api.Addressee:
    message = entry.message
    return push_api.Addressee(
        conversation_id=message.conversation_id, message_id=message.message_id, users=message.users
    )


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Neighbours together as long as they name at most BATCH_USERS."""
    batch: list[Entry] = []
    users = 0
    for entry in entries:
        if batch and users + len(entry.message.users) > BATCH_USERS:
            yield batch
            batch, users = [], 0
        batch.append(entry)
        users += len(entry.message.users)
    if batch:
        yield batch
