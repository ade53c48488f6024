"""Silent notifications: the number on the icon, for users who read elsewhere what their phone still counts, and the
withdrawal of a message that was deleted after it was pushed."""

from collections.abc import Sequence

from pusher.calls import CALL_SIZE, Pace, Sender
from pusher.metrics import BADGES, WITHDRAWALS
from pusher.outcomes import Late, Sent
from pusher.persistence_client import PersistenceClient
from pusher.rendering import Notification, render_badge, render_withdrawal

LEADS_SECONDS = (0.05, 0.2, 0.8)
"""For a call that was late, and its next tries."""


class Silent:
    """Hints, never repeated: an app that is opened sets the number itself, and syncs. Raises what its collaborators
    raise."""

    def __init__(self, persistence: PersistenceClient, sender: Sender, pace: Pace) -> None:
        self._persistence = persistence
        self._sender = sender
        self._pace = pace

    async def sweep(self) -> None:
        """Tells every phone whose number is too high, each user at most once in 20 minutes."""
        while badges := await self._persistence.stale_badges(CALL_SIZE):
            BADGES.inc(await self.tell_all([one for badge in badges for one in render_badge(badge)]))

    async def withdraw(self) -> None:
        """Tells every phone that was pushed a message which is deleted now."""
        while withdrawals := await self._persistence.withdrawals(CALL_SIZE):
            WITHDRAWALS.inc(await self.tell_all([render_withdrawal(one) for one in withdrawals]))

    async def tell_all(self, notifications: Sequence[Notification]) -> int:
        """How many Expo took."""
        parts = range(0, len(notifications), CALL_SIZE)
        return sum([await self._tell(notifications[start : start + CALL_SIZE]) for start in parts])

    async def _tell(self, notifications: Sequence[Notification]) -> int:
        for lead in LEADS_SECONDS:
            slot = await self._pace.reserve(len(notifications), lead)
            await slot.draw_near(lead)
            said = await self._sender.send(notifications, slot)
            if not any(isinstance(one, Late) for one in said):
                return sum(isinstance(one, Sent) for one in said)
        return 0
