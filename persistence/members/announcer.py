"""Tells users' devices what changed in their memberships, as soon as that is committed."""

from collections.abc import Iterable
from functools import partial

from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.gathering import Gathering
from persistence.log.publisher import Envelope
from persistence.members import envelopes, user_outbox
from persistence.members.user_outbox import MemberFollower, follow_nobody
from persistence.members.views import Member


class MembershipAnnouncer:
    """Publishes at once what `user_outbox` holds anyway, so the relay need not. `tell` never waits; `run` forgets the
    rows of what was told. A feature makes its own envelopes, below `epoch`."""

    def __init__(self, pool: Pool, delivery: Delivery, follow: MemberFollower = follow_nobody) -> None:
        self._pool = pool
        self._delivery = delivery
        self._follow = follow
        self._told = Gathering[Member](self._settle)

    @property
    def epoch(self) -> str:
        return self._delivery.epoch

    def tell(self, member: Member, envelope: Envelope) -> None:
        """The change that gave this member their version, committed just now."""
        self._delivery.offer(envelope, partial(self._heard, member))

    async def tell_in_turn(self, changes: Iterable[tuple[Member, Envelope]]) -> None:
        """Whoever tells many waits where many are being told already: what is offered in between goes first, and what
        waits does not grow with how fast groups are made. Cancelled, it leaves the rest to the relay."""
        for member, envelope in changes:
            await self._delivery.room()
            self.tell(member, envelope)

    def left(self, conversation_id: str, members: Iterable[Member]) -> None:
        """They are not in the conversation any more."""
        for member in members:
            self.tell(member, envelopes.left(member, conversation_id, epoch=self.epoch))

    async def run(self) -> None:
        """Forever."""
        await self._told.run()

    async def _settle(self, members: list[Member]) -> None:
        await self._follow(self._pool, members)
        await user_outbox.settle(self._pool, members)

    def _heard(self, member: Member, went_out: bool) -> None:
        if went_out:
            self._told.add(member)
