"""One worker: takes undelivered messages from the stream and leaves none unsettled.

An entry is acknowledged only when each of its users is settled. One that is not (Expo busy, an ambiguous answer,
another worker at it) stays pending and is taken again after its rest, by this worker or, if it died, by another.
An entry may come twice; the ledger makes it one push.
"""

import asyncio
from collections.abc import Iterator, Sequence

import structlog

from pusher.delivery import Delivery
from pusher.epoch import Epoch
from pusher.metrics import DEAD_LETTERS, STOPPED
from pusher.persistence_client import PersistenceAway, PersistenceRefused
from pusher.planning import Key
from pusher.queue import Queue
from pusher.stream import Entry, Poison
from shared import push_api
from shared.checkpoints import PUSH_SETTLED, Checkpoints
from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES
from shared.tracing import PUSH, Span, Tracing
from shared.wire import is_foreign

log = structlog.get_logger()

BATCH_USERS = 1000
"""How many users one look-up names: an entry of a large group is one of its own."""
BATCH_USERS_OF_BULK = 20
"""A call to Expo is prepared for all of its users first, and the moments of calls are given in turn. Calls of 100 for
the bulk held others' pushes up three times as long, and went no faster (a flood to 999 devices, two pushers)."""
PROBE_SECONDS = 5.0
"""How often Expo is asked again after it refused our credentials."""
SUSPECT_DELIVERIES = 3
"""An entry that was taken so often and never dealt with is dealt with alone: whoever dies of it loses no other."""
MAX_DELIVERIES = 10
"""And after so many, over some two minutes at least, it is a dead letter."""
PAUSE_SECONDS = 1.0


class Worker:
    """`run` forever. It raises only for a fault of our own: what Redis, persistence or Expo do is waited out."""

    def __init__(
        self,
        queue: Queue,
        delivery: Delivery,
        checkpoints: Checkpoints,
        tracing: Tracing,
        epoch: Epoch,
        *,
        serves_bulk: bool,
    ) -> None:
        self._queue = queue
        self._epoch = epoch
        self._serves_bulk = serves_bulk
        self._delivery = delivery
        self._checkpoints = checkpoints
        self._tracing = tracing

    async def run(self) -> None:
        await self._epoch.known()
        while True:
            try:
                await self._turn()
            except REDIS_FAILURES as error:
                log.warning("redis is away", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(PAUSE_SECONDS)

    async def _turn(self) -> None:
        """Deals once with what had its rest, and with what is new."""
        stopped = self._delivery.stopped is not None
        taken = await self._queue.take(serves_bulk=self._serves_bulk, stopped=stopped)
        entries = await self._readable(taken)
        for bulk, most in ((False, BATCH_USERS), (True, BATCH_USERS_OF_BULK)):
            for batch in _batches([entry for entry in entries if entry.bulk is bulk], most):
                await self._deal_with(batch)
        STOPPED.set(self._delivery.stopped is not None)
        if self._delivery.stopped:
            # The queue is kept until the credentials are right; asking Expo in a loop would help nobody.
            await asyncio.sleep(PROBE_SECONDS)

    async def _readable(self, taken: Sequence[Entry | Poison]) -> list[Entry]:
        """Those that can be dealt with; the others become dead letters, or are another deployment's."""
        foreign = [one for one in taken if isinstance(one, Entry) and self._is_foreign(one)]
        await self._queue.hand_over(foreign)
        entries = []
        for one in taken:
            if isinstance(one, Poison):
                await self._bury(one, one.reason)
            elif one in foreign:
                continue
            elif one.deliveries > MAX_DELIVERIES:
                await self._bury(one, f"whoever took it died of it, {MAX_DELIVERIES} times")
            else:
                entries.append(one)
        return entries

    def _is_foreign(self, entry: Entry) -> bool:
        return is_foreign(entry.message.epoch, self._epoch.current)

    async def _bury(self, one: Entry | Poison, reason: str) -> None:
        await self._queue.bury(one, reason)
        DEAD_LETTERS.inc()
        log.error("dead letter", entry=one.id, reason=reason)

    async def _deal_with(self, entries: Sequence[Entry]) -> None:
        spans = self._begun(entries)
        try:
            unsettled = await self._delivery.push([_addressee(entry) for entry in entries])
        except PersistenceAway as error:
            await self._wait_out(entries, error)
        except PersistenceRefused as error:
            await self._suspect(entries, error)
        else:
            await self._checkpoints.reach(PUSH_SETTLED)
            await self._acknowledge(entries, unsettled)
            for entry, span in spans:
                span.end({"parley.users": len(entry.message.users), "parley.unsettled": len(_keys(entry) & unsettled)})

    def _begun(self, entries: Sequence[Entry]) -> list[tuple[Entry, Span]]:
        """The spans of those that are traced; of a try that comes to nothing nobody is told."""
        begun = [(entry, self._tracing.step(PUSH, entry.message.span)) for entry in entries if entry.message.span]
        return [(entry, span) for entry, span in begun if span is not None]

    async def _wait_out(self, entries: Sequence[Entry], error: Exception) -> None:
        log.warning("persistence is away", error=str(error))
        await self._queue.rest(entries)
        await asyncio.sleep(PAUSE_SECONDS)

    async def _suspect(self, entries: Sequence[Entry], error: Exception) -> None:
        """One of them may be at fault: each is dealt with alone, and that one becomes a dead letter in the end."""
        ERRORS.labels("pusher", "refused").inc()
        if not await self._delivery.works():
            await self._wait_out(entries, error)
        elif len(entries) > 1:
            for entry in entries:
                await self._deal_with([entry])
        elif entries[0].deliveries >= MAX_DELIVERIES:
            await self._bury(entries[0], str(error))
        else:
            log.warning("persistence refuses a push", error=str(error), entry=entries[0].id)

    async def _acknowledge(self, entries: Sequence[Entry], unsettled: set[Key]) -> None:
        await self._queue.rest([entry for entry in entries if _keys(entry) & unsettled])
        await self._queue.done([entry for entry in entries if not _keys(entry) & unsettled])


def _addressee(entry: Entry) -> push_api.Addressee:
    message = entry.message
    return push_api.Addressee(
        conversation_id=message.conversation_id,
        message_id=message.message_id,
        users=message.users,
        cause="unacknowledged" if message.late else "offline",
    )


def _keys(entry: Entry) -> set[Key]:
    return {(entry.message.message_id, user) for user in entry.message.users}


def _batches(entries: Sequence[Entry], most_users: int) -> Iterator[list[Entry]]:
    """Neighbours together as long as they name at most so many users; suspects each alone."""
    batch: list[Entry] = []
    users = 0
    for entry in entries:
        if entry.deliveries > SUSPECT_DELIVERIES:
            yield [entry]
            continue
        if batch and users + len(entry.message.users) > most_users:
            yield batch
            batch, users = [], 0
        batch.append(entry)
        users += len(entry.message.users)
    if batch:
        yield batch
