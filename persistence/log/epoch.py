"""The database's epoch, as known to this process."""

from persistence.database import meta
from persistence.database.pool import Pool


class Epoch:
    """`current` is read at the start and again by whoever calls `refresh`: a restored database is noticed then."""

    def __init__(self, current: str) -> None:
        self.current = current

    @classmethod
    async def read(cls, pool: Pool) -> "Epoch":
        """Raises DATABASE_FAILURES."""
        return cls(await meta.epoch(pool))

    async def refresh(self, pool: Pool) -> str:
        """The epoch of now. Raises DATABASE_FAILURES."""
        self.current = await meta.epoch(pool)
        return self.current
