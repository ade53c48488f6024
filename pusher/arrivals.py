"""Tells whoever was added to a group while they were away; hints, never repeated, as `silent`'s are."""

from pusher.calls import CALL_SIZE
from pusher.metrics import ARRIVALS
from pusher.persistence_client import PersistenceClient
from pusher.policy import Now, is_quiet
from pusher.rendering import render_arrival
from pusher.silent import Silent
from shared.clock import now_ms
from shared.presence import PresenceReader


class Arrivals:
    """Raises what its collaborators raise."""

    def __init__(
        self, persistence: PersistenceClient, presence: PresenceReader, silent: Silent, *, default_preview: str
    ) -> None:
        self._persistence = persistence
        self._presence = presence
        self._silent = silent
        self._default_preview = default_preview

    async def sweep(self) -> None:
        """Who is online hears of it on their socket, and is left out."""
        more = True
        while more:
            answer = await self._persistence.arrivals(CALL_SIZE)
            more = answer.more
            online = await self._presence.online({one.user_id for one in answer.arrivals})
            now = Now(now_ms())
            away = [
                one
                for one in answer.arrivals
                if one.user_id not in online and not is_quiet(one.quiet_start, one.quiet_end, one.time_zone, now)
            ]
            told = [push for one in away for push in render_arrival(one, default_preview=self._default_preview)]
            ARRIVALS.inc(await self._silent.tell_all(told))
