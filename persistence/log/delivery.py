"""What every feature tells after a commit. Nothing but `room` and `publish` waits, and nothing can fail a request."""

from collections.abc import Callable, Sequence
from functools import partial

from persistence.log import envelopes
from persistence.log.epoch import Epoch
from persistence.log.logged import Logged
from persistence.log.publisher import Envelope, Publisher
from persistence.log.settling import Settling
from shared.clock import now_us
from shared.tracing import PUBLISH, Span, Tracing


def unheard(went_out: bool) -> None:
    """For an envelope that nobody repeats: lost where Redis is away."""


class Delivery:
    """The fast path: publishes at once what the outbox holds anyway, so the relay need not; and carries the envelopes
    that features make of what is in no log."""

    def __init__(self, publisher: Publisher, settling: Settling, epoch: Epoch, tracing: Tracing) -> None:
        self._publisher = publisher
        self._settling = settling
        self._epoch = epoch
        self._tracing = tracing

    @property
    def epoch(self) -> str:
        """The line of history of now, for the envelopes that features make."""
        return self._epoch.current

    def logged(self, events: Sequence[Logged]) -> None:
        """Committed just now. In the order of their seqs for each conversation."""
        committed_us = now_us()
        for event in events:
            envelope = envelopes.event(event, epoch=self.epoch, committed_us=committed_us)
            span = None if event.span is None else self._begun(event, event.span)
            self._publisher.offer(envelope, partial(self._published, event, span))

    def offer(self, envelope: Envelope, heard: Callable[[bool], None] = unheard) -> None:
        """After all that was offered before. `heard` is told, once, whether Redis took the envelope."""
        self._publisher.offer(envelope, heard)

    def to_user(self, user_id: str, frame: bytes) -> None:
        """A finished frame for all devices of the user that are connected now. Lost where Redis is away, and in no log:
        a route tells the same."""
        self.offer(envelopes.user_frame(user_id, frame, epoch=self.epoch))

    async def room(self) -> None:
        """For whoever has much to offer, before each envelope: returns once little waits."""
        await self._publisher.room()

    async def publish(self, envelopes: Sequence[Envelope]) -> bool:
        """Whether Redis took all of them. If not, it may have taken some."""
        return await self._publisher.publish(envelopes)

    def _begun(self, event: Logged, parent: bytes) -> Span | None:
        """The span of the publication of what is offered next. None where this process does not trace."""
        span = self._tracing.step(PUBLISH, parent)
        if span is not None:
            self.offer(envelopes.span(event, span.context))
        return span

    def _published(self, event: Logged, span: Span | None, went_out: bool) -> None:
        if span is not None:
            span.end(error=None if went_out else "not published: left to the relay")
        if went_out:
            self._settling.published(event if span is None else event._replace(span=span.context))
