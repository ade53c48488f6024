"""Publishes what nobody published in time: a process died between commit and publication, or Redis was away."""

from collections.abc import Sequence
from typing import Protocol

from prometheus_client import Counter, Gauge

from persistence.database.pool import Connection, Pool, transaction
from persistence.log import outbox

PENDING = Gauge("parley_persistence_outbox_pending", "Changes in Postgres that may not have been published yet.")
AGE_SECONDS = Gauge("parley_persistence_outbox_age_seconds", "Age of the oldest such change; 0 where there is none.")
STUCK = Gauge("parley_persistence_outbox_stuck", "Events in the outbox that this release cannot read, and so publish.")
RELAYED = Counter("parley_persistence_relayed_total", "Changes that the relay had to publish.")

OVERDUE_SECONDS = 1.0
"""An older row of an outbox is a relay's."""


class Overdue(Protocol):
    """An outbox as the relay works through it, `most` rows at a time."""

    most: int

    async def relay(self, connection: Connection) -> int:
        """Publishes rows that it holds in this transaction, deletes them, and says how many they were: 0 also where
        Redis did not take them."""


class Relay:
    """One in every persistence process; several at once share the work.

    A row is held in a transaction from its reading to its deletion, so the death of a relay gives it back, and is
    deleted only after Redis took its envelope: published once or more, never not at all.
    """

    def __init__(self, pool: Pool, outboxes: Sequence[Overdue]) -> None:
        self._pool = pool
        self._outboxes = outboxes

    async def sweep(self) -> int:
        """Publishes all that is overdue, outbox after outbox; how much that was. To be called every second or so.

        Stops early, and leaves everything where it is, while Redis is away. Raises DATABASE_FAILURES, or REDIS_FAILURES
        where a follower could not be told.
        """
        relayed = 0
        for overdue in self._outboxes:
            count = overdue.most
            while count == overdue.most:
                async with transaction(self._pool) as connection:
                    count = await overdue.relay(connection)
                relayed += count
        RELAYED.inc(relayed)
        return relayed

    async def sample(self) -> None:
        """Reads the backlog into the metrics. Raises DATABASE_FAILURES."""
        backlog = await outbox.backlog(self._pool)
        PENDING.set(backlog.pending)
        AGE_SECONDS.set(backlog.age_seconds)
        STUCK.set(backlog.stuck)
