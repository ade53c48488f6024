"""The relay of durable events: publishes them, tells the followers, forgets their outbox rows."""

from collections.abc import Sequence

from persistence.database.pool import Connection
from persistence.log import envelopes, outbox, read
from persistence.log.epoch import Epoch
from persistence.log.follower import Follower
from persistence.log.logged import Logged
from persistence.log.publisher import Envelope, Publisher
from persistence.log.relay import OVERDUE_SECONDS
from shared.checkpoints import PUBLISHED, Checkpoints
from shared.clock import now_us
from shared.tracing import RELAY, Span, Tracing

BATCH = 500


class EventRelay:
    """The outbox as `Overdue`, published in the order of seq within a batch."""

    most = BATCH

    def __init__(
        self,
        publisher: Publisher,
        followers: Sequence[Follower],
        epoch: Epoch,
        checkpoints: Checkpoints,
        tracing: Tracing,
        *,
        overdue_seconds: float = OVERDUE_SECONDS,
    ) -> None:
        self._publisher = publisher
        self._followers = followers
        self._epoch = epoch
        self._checkpoints = checkpoints
        self._tracing = tracing
        self._overdue_seconds = overdue_seconds

    async def relay(self, connection: Connection) -> int:
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
        announced: list[Envelope] = []
        for event, span in zip(events, spans, strict=True):
            if span is not None:
                announced.append(envelopes.span(event, span.context))
            announced.append(envelopes.event(event, epoch=epoch, committed_us=at))
        return announced

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
