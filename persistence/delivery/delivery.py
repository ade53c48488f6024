"""What the rest of persistence tells after a commit. Nothing but `joined` waits, and nothing can fail a request."""

from collections.abc import Mapping, Sequence
from functools import partial

from persistence.conversations.views import Conversation, Created, Hidden, Purged
from persistence.delivery import announcements
from persistence.delivery.minima import Minima
from persistence.delivery.settling import Settling
from persistence.log.epoch import Epoch
from persistence.log.logged import Logged
from persistence.log.publisher import Envelope, Publisher
from persistence.members.user_outbox import Change
from persistence.members.views import Member
from persistence.receipts.views import Moved
from shared.api import LIVE_PRESENCE_MEMBERS
from shared.clock import now_us
from shared.tracing import PUBLISH, Span, Tracing

MOST_UNHEARD = 10_000
"""Receipts that wait for a Redis that is away; whoever missed one beyond sees it at the next sync."""


class Delivery:
    """The fast path: publishes at once what the outboxes hold anyway, so the relay need not.

    Typing and receipts are in no outbox: where Redis is away typing is lost, and receipts are told again by
    `repeat_receipts`. One that dies with this process shows at the next sync.
    """

    def __init__(
        self, publisher: Publisher, settling: Settling, epoch: Epoch, tracing: Tracing, minima: Minima
    ) -> None:
        self._publisher = publisher
        self._settling = settling
        self._epoch = epoch
        self._tracing = tracing
        self._minima = minima
        self._unheard: list[Envelope] = []

    def logged(self, events: Sequence[Logged]) -> None:
        """Committed just now. In the order of their seqs for each conversation."""
        committed_us = now_us()
        for event in events:
            envelope = announcements.event(event, epoch=self._epoch.current, committed_us=committed_us)
            span = None if event.span is None else self._begun(event, event.span)
            self._publisher.offer(envelope, partial(self._published, event, span))

    async def joined(self, created: Created) -> None:
        """Whoever makes a group waits where many are being told already: what is offered in between goes first, and
        what waits does not grow with how fast groups are made. Cancelled, it leaves the rest to the relay."""
        members = created.joined
        envelopes = announcements.joined(members, created.conversation, epoch=self._epoch.current)
        for member, envelope in zip(members, envelopes, strict=True):
            await self._publisher.room()
            self._publisher.offer(envelope, partial(self._told, member))

    def hidden(self, conversation_id: str, hidden: Hidden) -> None:
        envelope = announcements.hidden(hidden, conversation_id, epoch=self._epoch.current)
        self._publisher.offer(envelope, partial(self._told, hidden.member))

    def left(self, purged: Sequence[Purged]) -> None:
        for one in purged:
            for member in one.left:
                envelope = announcements.left(member, one.conversation_id, epoch=self._epoch.current)
                self._publisher.offer(envelope, partial(self._told, member))

    def changed(self, changes: Sequence[Change], back: Mapping[str, Conversation]) -> None:
        """Changes of memberships, in the order of each user's version. `back`: conversations into which somebody of
        them came, as that one sees them."""
        for change in changes:
            view = back.get(change.conversation_id)
            envelope = announcements.of_change(change, view, epoch=self._epoch.current)
            self._publisher.offer(envelope, partial(self._told, change.member))

    def withdrawn(self, conversation_id: str, user_id: str) -> None:
        """They left without an event: also the room hears of it, whose channel may be the faster one."""
        self._publisher.offer(announcements.withdrawn(conversation_id, user_id, epoch=self._epoch.current), _ignore)

    def receipts(self, moved: Sequence[Moved]) -> None:
        self._tell_rooms(self.receipt_envelopes(moved))

    async def repeat_receipts(self) -> None:
        """Those that Redis did not take. To be called every second or so; in whatever order they come, a later one
        stays later for the gateways."""
        envelopes, self._unheard = self._unheard, []
        self._tell_rooms(envelopes)

    def receipt_envelopes(self, moved: Sequence[Moved]) -> list[Envelope]:
        """What is to be heard of these cursors at once; of a big group only by the reader's own devices."""
        epoch = self._epoch.current
        big = [one for one in moved if one.members > LIVE_PRESENCE_MEMBERS]
        for one in big:
            self._minima.moved(one.conversation_id)
        named = announcements.receipts([one for one in moved if one.members <= LIVE_PRESENCE_MEMBERS])
        own = [envelope for one in big for envelope in announcements.own_receipts(one, epoch=epoch)]
        return [announcements.receipt_of(receipt, epoch=epoch) for receipt in named] + own

    def typing(self, conversation_id: str, user_id: str, *, is_typing: bool) -> None:
        envelope = announcements.typing(conversation_id, user_id, is_typing, epoch=self._epoch.current)
        self._publisher.offer(envelope, _ignore)

    def app_event(self, conversation_id: str, sender_id: str, name: str, data: bytes) -> None:
        """`data` is JSON. Whoever is in the room now hears it, nobody later."""
        envelope = announcements.app_event(conversation_id, sender_id, name, data, epoch=self._epoch.current)
        self._publisher.offer(envelope, _ignore)

    def to_user(self, user_id: str, frame: bytes) -> None:
        """A finished frame for all devices of the user that are connected now. Lost where Redis is away, and in no log:
        a route tells the same."""
        self._publisher.offer(announcements.user_frame(user_id, frame, epoch=self._epoch.current), _ignore)

    async def kicked(self, user_id: str) -> bool:
        """Whether Redis took the word; as for the next two."""
        return await self._publisher.publish([announcements.kicked(user_id, epoch=self._epoch.current)])

    async def banned(self, user_id: str) -> bool:
        return await self._publisher.publish([announcements.banned(user_id, epoch=self._epoch.current)])

    async def revoked(self, session_id: str, until: float) -> bool:
        """`until` in Unix seconds."""
        return await self._publisher.publish([announcements.revoked(session_id, until, epoch=self._epoch.current)])

    def _tell_rooms(self, receipts: Sequence[Envelope]) -> None:
        for receipt in receipts:
            self._publisher.offer(receipt, partial(self._heard, receipt))

    def _heard(self, receipt: Envelope, went_out: bool) -> None:
        if not went_out and len(self._unheard) < MOST_UNHEARD:
            self._unheard.append(receipt)

    def _begun(self, event: Logged, parent: bytes) -> Span | None:
        """The span of the publication of what is offered next. None where this process does not trace."""
        span = self._tracing.step(PUBLISH, parent)
        if span is not None:
            self._publisher.offer(announcements.span(event, span.context), _ignore)
        return span

    def _published(self, event: Logged, span: Span | None, went_out: bool) -> None:
        if span is not None:
            span.end(error=None if went_out else "not published: left to the relay")
        if went_out:
            self._settling.published(event if span is None else event._replace(span=span.context))

    def _told(self, member: Member, went_out: bool) -> None:
        if went_out:
            self._settling.told(member)


def _ignore(_: bool) -> None:
    pass
