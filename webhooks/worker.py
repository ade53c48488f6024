"""Claims what is due, posts it, and tells what came of it: at least once, whatever dies in between."""

import asyncio
from collections.abc import Iterator, Sequence

import structlog

from shared.hooks_api import Delivery, Endpoint, Outcome
from shared.lifecycle import Tasks
from shared.metrics import ERRORS
from shared.outbound.guard import Outbound
from webhooks.metrics import IN_HAND
from webhooks.persistence_client import PersistenceAway, PersistenceClient
from webhooks.sender import send

log = structlog.get_logger()

LEASE_SECONDS = 60.0
"""Above all that one request and the telling of its outcome may take; after a death others go on by then."""
IDLE_SECONDS = 0.5
"""Between two looks while there is no endpoint at all."""
QUIET_SECONDS = 0.25
"""While there is nothing to tell."""
AWAY_SECONDS = 1.0
GATHER_SECONDS = 0.02
MOST_OUTCOMES = 100
"""In one word to persistence; each may be of a batch of a hundred."""
MOST_ANSWER = 1024


class Worker:
    """One in a process. Persistence bounds what is in hand, an endpoint at a time: no endpoint fills this process, and
    none waits for another. An outcome that persistence does not take is kept until it does; if this process dies
    before, the lease ends, and the event is told again under its id."""

    def __init__(
        self, persistence: PersistenceClient, outbound: Outbound, tasks: Tasks, *, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._persistence = persistence
        self._outbound = outbound
        self._tasks = tasks
        self._lease_seconds = lease_seconds
        self._outcomes: list[Outcome] = []
        self._told = asyncio.Event()
        self._freed = asyncio.Event()
        self.away = "not asked yet"
        """Why persistence cannot be worked with; empty where it can."""

    async def run(self) -> None:
        """Claims, forever."""
        while True:
            self._freed.clear()
            pause = await self._claim()
            try:
                async with asyncio.timeout(pause):
                    await self._freed.wait()  # what was settled makes room for more
            except TimeoutError:
                pass

    async def settle(self) -> None:
        """Tells outcomes, forever."""
        while True:
            await self._told.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._told.clear()
            while self._outcomes:
                outcomes = self._outcomes[:MOST_OUTCOMES]
                try:
                    await self._persistence.settle(outcomes)
                except PersistenceAway as away:
                    self._note_away(away)
                    await asyncio.sleep(AWAY_SECONDS)
                    continue
                del self._outcomes[: len(outcomes)]
                IN_HAND.dec(sum(len(one.told) for one in outcomes))
                self._freed.set()

    async def _claim(self) -> float:
        """How long to wait before the next one."""
        try:
            claimed = await self._persistence.claim(self._lease_seconds)
        except PersistenceAway as away:
            self._note_away(away)
            return AWAY_SECONDS
        self.away = ""
        for work in claimed.work:
            IN_HAND.inc(len(work.deliveries))
            for batch in _batches(work.deliveries, work.endpoint.batch):
                self._tasks.start(self._tell(work.endpoint, batch), name="delivery")
        return IDLE_SECONDS if claimed.idle else QUIET_SECONDS

    async def _tell(self, endpoint: Endpoint, deliveries: Sequence[Delivery]) -> None:
        attempt = await send(self._outbound, endpoint, deliveries)
        told = [(one.conversation_id, one.event_id) for one in deliveries]
        self._outcomes.append(
            Outcome(
                endpoint.id,
                told,
                attempt.status,
                attempt.error,
                attempt.ms,
                attempt.retry_after,
                attempt.answer[:MOST_ANSWER],
                deliveries[0].once,
            )
        )
        self._told.set()

    def _note_away(self, away: PersistenceAway) -> None:
        ERRORS.labels("webhooks", "persistence").inc()
        if not self.away:
            log.warning("persistence is away", error=str(away))
        self.away = "no answer"


def _batches(deliveries: Sequence[Delivery], size: int) -> Iterator[Sequence[Delivery]]:
    """Starts in the order of the seqs. What is told only once goes alone: a batch has one outcome."""
    yield from ([one] for one in deliveries if one.once)
    several = [one for one in deliveries if not one.once]
    for start in range(0, len(several), size):
        yield several[start : start + size]
