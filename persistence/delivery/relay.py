"""Publishes what nobody published in time: a process died between commit and publication, or Redis was away."""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge

from persistence.conversations import store as conversations
from persistence.database.pool import Connection, Pool, transaction
from persistence.delivery import announcements
from persistence.log import outbox, read
from persistence.log.epoch import Epoch
from persistence.log.follower import Follower
from persistence.log.logged import Logged
from persistence.log.publisher import Envelope, Publisher
from persistence.members import user_outbox as memberships
from persistence.members.user_outbox import Change
from shared.checkpoints import PUBLISHED, Checkpoints
from shared.clock import now_us
from shared.tracing import RELAY, Span, Tracing
from shared.wire import Kind

PENDING = Gauge("parley_persistence_outbox_pending", "Changes in Postgres that may not have been published yet.")
AGE_SECONDS = Gauge("parley_persistence_outbox_age_seconds", "Age of the oldest such change; 0 where there is none.")
STUCK = Gauge("parley_persistence_outbox_stuck", "Events in the outbox that this release cannot read, and so publish.")
RELAYED = Counter("parley_persistence_relayed_total", "Changes that the relay had to publish.")

BATCH = 500
MEMBERSHIPS = 100
"""Of them at a time: each may bring a conversation of 50 names, as its own member sees it."""
OVERDUE_SECONDS = 1.0


class Relay:
    """One in every persistence process; several at once share the work.

    A row is held in a transaction from its reading to its deletion, so the death of a relay gives it back, and is
    deleted only after Redis took its event: published once or more, in the order of seq within a batch, never not at
    all.
    """

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        followers: Sequence[Follower],
        epoch: Epoch,
        checkpoints: Checkpoints,
        tracing: Tracing,
        *,
        overdue_seconds: float = OVERDUE_SECONDS,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._followers = followers
        self._epoch = epoch
        self._checkpoints = checkpoints
        self._tracing = tracing
        self._overdue_seconds = overdue_seconds

    async def sweep(self) -> int:
        """Publishes all that is overdue, memberships first; how much that was. To be called every second or so.

        Stops early, and leaves everything where it is, while Redis is away. Raises DATABASE_FAILURES, or REDIS_FAILURES
        where a follower could not be told.
        """
        relayed = 0
        for relay_batch, most in ((self._relay_memberships, MEMBERSHIPS), (self._relay_events, BATCH)):
            count = most
            while count == most:
                async with transaction(self._pool) as connection:
                    count = await relay_batch(connection)
                relayed += count
        RELAYED.inc(relayed)
        return relayed

    async def sample(self) -> None:
        """Reads the backlog into the metrics. Raises DATABASE_FAILURES."""
        backlog = await outbox.backlog(self._pool)
        PENDING.set(backlog.pending)
        AGE_SECONDS.set(backlog.age_seconds)
        STUCK.set(backlog.stuck)

    async def _relay_events(self, connection: Connection) -> int:
        overdue = await outbox.overdue(connection, self._overdue_seconds, BATCH)
        if not overdue:
            return 0
        keys = [(one.conversation_id, one.seq) for one in overdue]
        parents = {key: one.span for key, one in zip(keys, overdue, strict=True) if one.span is not None}
        found = await read.by_seq(connection, keys, parents)
        spans = [self._begun(event) for event in found.logged]
        if not await self._publisher.publish(self._announced(found.logged, spans)):
            return 0
        await self._follow(connection, found.logged, spans)
        await self._checkpoints.reach(PUBLISHED)
        # Those of a conversation that was purged meanwhile are only to be deleted.
        await outbox.settle(connection, found.keys)
        return len(found.keys)

    def _begun(self, event: Logged) -> Span | None:
        """Of what is traced. The span of a try that failed is never told of: the next begins anew."""
        return None if event.span is None else self._tracing.step(RELAY, event.span)

    def _announced(self, events: Sequence[Logged], spans: Sequence[Span | None]) -> list[Envelope]:
        at, epoch = now_us(), self._epoch.current
        envelopes: list[Envelope] = []
        for event, span in zip(events, spans, strict=True):
            if span is not None:
                envelopes.append(announcements.span(event, span.context))
            envelopes.append(announcements.event(event, epoch=epoch, committed_us=at))
        return envelopes

    async def _follow(self, connection: Connection, events: Sequence[Logged], spans: Sequence[Span | None]) -> None:
        for span in spans:
            if span is not None:
                span.end()
        told = [
            event.without_words()._replace(span=None if span is None else span.context)
            for event, span in zip(events, spans, strict=True)
        ]
        for follow in self._followers:
            await follow(connection, told)

    async def _relay_memberships(self, connection: Connection) -> int:
        changes = await memberships.overdue(connection, self._overdue_seconds, MEMBERSHIPS)
        if not changes or not await self._publisher.publish(await self._envelopes(connection, changes)):
            return 0
        await memberships.settle(connection, [(change.user_id, change.version) for change in changes])
        return len(changes)

    async def _envelopes(self, connection: Connection, changes: Sequence[Change]) -> list[Envelope]:
        joins = [(change.user_id, change.conversation_id) for change in changes if change.kind is Kind.JOINED]
        views = await conversations.view(connection, joins)
        epoch = self._epoch.current
        return [
            announcements.of_change(change, views.get((change.user_id, change.conversation_id)), epoch=epoch)
            for change in changes
        ]
