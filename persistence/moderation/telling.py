"""After the commit: everybody hears what was done."""

from collections.abc import Awaitable, Callable

from persistence.log.delivery import Delivery
from persistence.moderation.acts import Done
from persistence.moderation.notices import Notice
from persistence.screening.releasing import Releaser
from persistence.users import envelopes
from persistence.users.refusals import Refusals
from shared.clock import iso_or_none
from shared.wire import Banning

Note = Callable[[Notice], Awaitable[None]]
"""Hears of each notice after everybody else did."""


async def nobody(_: Notice) -> None:
    """Nobody wants to hear of it."""


class Teller:
    def __init__(self, delivery: Delivery, refusals: Refusals, releaser: Releaser, note: Note = nobody) -> None:
        self._delivery = delivery
        self._refusals = refusals
        self._releaser = releaser
        self._note = note

    async def tell(self, done: Done) -> None:
        """Notices before the sockets of who is banned close. What is lost of this a route tells, or the next check."""
        self._delivery.logged(done.logged)
        for notice in done.notices:
            self._delivery.to_user(notice.user_id, notice.frame())
        if done.released:
            await self._releaser.release()
        if done.banned:
            await self._refusals.refresh()
        for user_id, ban in done.banned.items():
            banning = Banning(ban.reason, iso_or_none(ban.until))
            await self._delivery.publish([envelopes.banned(user_id, banning, epoch=self._delivery.epoch)])
        for notice in done.notices:
            await self._note(notice)

    async def lifted(self) -> None:
        """A ban was: this process knows at once, the others within a second."""
        await self._refusals.refresh()
