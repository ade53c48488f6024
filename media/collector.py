"""Takes away what persistence says nobody refers to."""

from prometheus_client import Counter

from media import parts
from media.persistence_client import PersistenceClient
from media.storage.port import Storage

LIMIT = 200
COLLECTED = Counter("parley_media_collected_total", "Files whose bytes were taken away.")


class Collector:
    """`sweep` is to be called every few seconds, by any number of processes: what is deleted twice is deleted."""

    def __init__(self, storage: Storage, persistence: PersistenceClient) -> None:
        self._storage = storage
        self._persistence = persistence

    async def sweep(self) -> None:
        """Raises StorageAway and PersistenceAway; what was not said to be collected is given again."""
        garbage = await self._persistence.garbage(LIMIT)
        for one in (*garbage.blobs, *garbage.parts):
            await parts.forget(self._storage, one)
        await self._storage.delete([key for one in garbage.blobs for key in (f"files/{one}", f"thumbs/{one}")])
        if garbage.blobs or garbage.parts:
            await self._persistence.collected(garbage.blobs, garbage.parts)
            COLLECTED.inc(len(garbage.blobs))
