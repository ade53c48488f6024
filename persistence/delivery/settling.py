"""What follows a publication: the followers are told, then the outbox rows are deleted. In batches, after the answer.

If any of it fails, or the process dies, the rows are still there and the relay does it all again.
"""

import asyncio
from collections.abc import Sequence

import structlog

from persistence.database.pool import DATABASE_FAILURES, Pool
from persistence.log import outbox
from persistence.log.follower import Follower
from persistence.log.logged import Logged
from persistence.members import user_outbox as memberships
from persistence.members.views import Member
from shared.checkpoints import PUBLISHED, Checkpoints
from shared.metrics import ERRORS
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

BATCH = 500
GATHER_SECONDS = 0.02
"""Nobody waits for it, and for all that were sent meanwhile it costs four round trips instead of four for each."""
MOST_WAITING = 20_000


class Settling:
    """`published` and `told` never wait; `run` does the work. Beyond MOST_WAITING it is left to the relay."""

    def __init__(self, pool: Pool, followers: Sequence[Follower], checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._followers = followers
        self._checkpoints = checkpoints
        self._events: list[Logged] = []
        self._members: list[Member] = []
        self._wake = asyncio.Event()

    def published(self, event: Logged) -> None:
        """Its span is that of its publication, where that was traced."""
        if len(self._events) < MOST_WAITING:
            self._events.append(event.without_words())
            self._wake.set()

    def told(self, member: Member) -> None:
        """The member's devices were told of the change that gave them this version."""
        if len(self._members) < MOST_WAITING:
            self._members.append(member)
            self._wake.set()

    async def run(self) -> None:
        """Forever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            events, self._events = self._events[:BATCH], self._events[BATCH:]
            members, self._members = self._members, []
            if not self._events:
                self._wake.clear()
            try:
                await self._settle(events, members)
            except (*REDIS_FAILURES, *DATABASE_FAILURES) as error:
                ERRORS.labels("persistence", "settle").inc()
                log.warning("settling fails, the relay will repeat it", error=f"{type(error).__name__}: {error}")

    async def _settle(self, events: list[Logged], members: list[Member]) -> None:
        if members:
            await memberships.settle(self._pool, members)
        if events:
            for follow in self._followers:
                await follow(self._pool, events)
            await self._checkpoints.reach(PUBLISHED)
            await outbox.settle(self._pool, [event.key for event in events])
