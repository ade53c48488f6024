"""Publishes what nobody published in time: a process died between commit and publication, or Redis was away."""

from collections.abc import Mapping, Sequence

from prometheus_client import Counter, Gauge

from persistence.delivery import announcements
from persistence.delivery.epoch import Epoch
from persistence.delivery.publisher import Envelope, Publisher
from persistence.delivery.push_state import PushState
from persistence.store import conversations, memberships, messages, outbox
from persistence.store.database import Connection, Pool, transaction
from persistence.store.memberships import Change
from persistence.store.outbox import Overdue
from persistence.store.views import Conversation, Hidden, Member, Message
from shared.checkpoints import PUBLISHED, Checkpoints
from shared.clock import now_us
from shared.tracing import RELAY, Span, Tracing
from shared.wire import Kind

PENDING = Gauge("parley_persistence_outbox_pending", "Changes in Postgres that may not have been published yet.")
AGE_SECONDS = Gauge("parley_persistence_outbox_age_seconds", "Age of the oldest such change; 0 where there is none.")
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
        push_state: PushState,
        epoch: Epoch,
        checkpoints: Checkpoints,
        tracing: Tracing,
        *,
        overdue_seconds: float = OVERDUE_SECONDS,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._push_state = push_state
        self._epoch = epoch
        self._checkpoints = checkpoints
        self._tracing = tracing
        self._overdue_seconds = overdue_seconds

    async def sweep(self) -> int:
        """Publishes all that is overdue, memberships first; how much that was. To be called every second or so.

        Stops early, and leaves everything where it is, while Redis is away. Raises DATABASE_FAILURES, or REDIS_FAILURES
        where the push state could not be written.
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

    async def _relay_events(self, connection: Connection) -> int:
        events = await outbox.overdue(connection, self._overdue_seconds, BATCH)
        if not events:
            return 0
        keys = [(event.conversation_id, event.seq) for event in events]
        # Rows whose message is gone belong to a conversation that was purged meanwhile: only to be deleted.
        committed = await messages.by_seq(connection, keys)
        spans = self._spans(events, committed)
        if not await self._publisher.publish(self._announced(committed, spans)):
            return 0
        for span in spans.values():
            span.end()
        await self._push_state.write(connection, committed, {key: span.context for key, span in spans.items()})
        await self._checkpoints.reach(PUBLISHED)
        await outbox.settle(connection, keys)
        return len(keys)

    def _spans(self, events: Sequence[Overdue], messages: Sequence[Message]) -> dict[str, Span]:
        """Of what is traced, by message. Those of a try that failed are never told of: the next begins anew."""
        parents = {(event.conversation_id, event.seq): event.span for event in events if event.span is not None}
        traced = [message for message in messages if (message.conversation_id, message.seq) in parents]
        begun = [(one.id, self._tracing.step(RELAY, parents[one.conversation_id, one.seq])) for one in traced]
        return {message_id: span for message_id, span in begun if span is not None}

    def _announced(self, messages: Sequence[Message], spans: Mapping[str, Span]) -> list[Envelope]:
        at, epoch = now_us(), self._epoch.current
        envelopes: list[Envelope] = []
        for message in messages:
            span = spans.get(message.id)
            if span is not None:
                envelopes.append(announcements.span(message, span.context))
            envelopes.append(announcements.message(message, epoch=epoch, committed_us=at))
        return envelopes

    async def _relay_memberships(self, connection: Connection) -> int:
        changes = await memberships.overdue(connection, self._overdue_seconds, MEMBERSHIPS)
        if not changes or not await self._publisher.publish(await self._envelopes(connection, changes)):
            return 0
        await memberships.settle(connection, [(change.user_id, change.version) for change in changes])
        return len(changes)

    async def _envelopes(self, connection: Connection, changes: Sequence[Change]) -> list[Envelope]:
        joins = [(change.user_id, change.conversation_id) for change in changes if change.kind is Kind.JOINED]
        views = await conversations.view(connection, joins)
        return [self._envelope(change, views.get((change.user_id, change.conversation_id))) for change in changes]

    def _envelope(self, change: Change, view: Conversation | None) -> Envelope:
        member, epoch = Member(change.user_id, change.version), self._epoch.current
        if change.kind is Kind.JOINED and view is not None:
            [envelope] = announcements.joined([member], view, epoch=epoch)
            return envelope
        if change.kind is Kind.HIDDEN and change.hidden_seq is not None:
            return announcements.hidden(Hidden(member, change.hidden_seq), change.conversation_id, epoch=epoch)
        # Joined or hidden, and gone before anybody was told: the version must not be missing all the same.
        return announcements.left(member, change.conversation_id, epoch=epoch)
