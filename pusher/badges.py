"""Silent updates of the number on the icon, for users who read elsewhere what their phone still counts."""

from collections.abc import Sequence

from pusher.calls import CALL_SIZE, Pace, Sender
from pusher.metrics import BADGES
from pusher.outcomes import Late, Sent
from pusher.persistence_client import PersistenceClient
from pusher.rendering import Notification, render_badge

LEADS_SECONDS = (0.05, 0.2, 0.8)
"""For a call that was late, and its next tries."""


class Badges:
    """A hint, never repeated: the app sets the number itself when it is opened. Raises what its collaborators raise."""

    def __init__(self, persistence: PersistenceClient, sender: Sender, pace: Pace) -> None:
        self._persistence = persistence
        self._sender = sender
        self._pace = pace

    async def sweep(self) -> None:
        """Tells every phone whose number is too high, each user at most once in 20 minutes."""
        while badges := await self._persistence.stale_badges(CALL_SIZE):
            notifications = [one for badge in badges for one in render_badge(badge)]
            for start in range(0, len(notifications), CALL_SIZE):
                await self._tell(notifications[start : start + CALL_SIZE])

    async def _tell(self, notifications: Sequence[Notification]) -> None:
        for lead in LEADS_SECONDS:
            slot = await self._pace.reserve(len(notifications), lead)
            await slot.draw_near(lead)
            said = await self._sender.send(notifications, slot)
            BADGES.inc(sum(isinstance(one, Sent) for one in said))
            if not any(isinstance(one, Late) for one in said):
                return
