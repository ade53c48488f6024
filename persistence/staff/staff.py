"""The staff as each request is judged by it: in memory, so that it costs no query."""

from persistence.database.pool import Pool
from persistence.staff import store
from persistence.staff.ranks import Rank


class Staff:
    """`refresh` is to be called when `Refusals` hears of a change of `store.ROLES`, and once at the start."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ranks: dict[str, Rank] = {}

    async def refresh(self) -> None:
        """Raises DATABASE_FAILURES."""
        self._ranks = await store.everybody(self._pool)

    def may(self, user_id: str, wanted: Rank) -> bool:
        rank = self._ranks.get(user_id)
        return rank is not None and rank.includes(wanted)
