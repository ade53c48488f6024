"""What follows a publication: the followers are told, then the outbox rows are deleted. In batches, after the answer.

If any of it fails, or the process dies, the rows are still there and the relay does it all again.
"""

from collections.abc import Sequence

from persistence.database.pool import Pool
from persistence.log import outbox
from persistence.log.follower import Follower
from persistence.log.gathering import Gathering
from persistence.log.logged import Logged
from shared.checkpoints import PUBLISHED, Checkpoints


class Settling:
    """`published` never waits; `run` does the work."""

    def __init__(self, pool: Pool, followers: Sequence[Follower], checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._followers = followers
        self._checkpoints = checkpoints
        self._gathering = Gathering(self._settle)

    def published(self, event: Logged) -> None:
        """Its span is that of its publication, where that was traced."""
        self._gathering.add(event.without_words())

    async def run(self) -> None:
        """Forever."""
        await self._gathering.run()

    async def _settle(self, events: list[Logged]) -> None:
        for follow in self._followers:
            await follow(self._pool, events)
        await self._checkpoints.reach(PUBLISHED)
        await outbox.settle(self._pool, [event.key for event in events])
