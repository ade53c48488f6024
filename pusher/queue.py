"""The two undelivered streams as workers take from them: one entry in ten from the bulk, and more while nothing else
waits."""

from collections.abc import Sequence

from pusher.stream import Entry, Poison, UndeliveredStream

BATCH_ENTRIES = 100
RESTED_ENTRIES = 50
"""Of a batch at most: what waits for its next try must not keep out what is new."""
BLOCK_SECONDS = 1.0
REST_SECONDS = 10.0
PROMPT_FOR_ONE = 9
"""Entries of the first stream for one of the bulk."""
BULK_ENTRIES = 25
"""In one read of an idle worker; after BULK_USERS users it reads no more, and looks again for what comes first."""
BULK_USERS = 100


class Queue:
    """Shared by the workers of a process. All methods raise REDIS_FAILURES."""

    def __init__(self, prompt: UndeliveredStream, bulk: UndeliveredStream) -> None:
        self.prompt = prompt
        self.bulk = bulk
        self._owed = 0  # entries of the first stream for which the bulk has not had its own

    async def take(self, *, serves_bulk: bool, stopped: bool = False) -> list[Entry | Poison]:
        """What had its rest, and what is new; waits for the first at most BLOCK_SECONDS.

        `serves_bulk`: while nothing else waits, the bulk is. A worker without that is free for what comes. `stopped`:
        Expo takes nothing, so what is tried again will do.
        """
        rested = await self.prompt.claim(RESTED_ENTRIES, REST_SECONDS)
        if stopped and rested:
            return rested
        # A full hand of rested ones: those come first, so that what is pending stays bounded.
        new = [] if len(rested) == RESTED_ENTRIES else await self.prompt.take(BATCH_ENTRIES - len(rested), None)
        taken = rested + new
        if taken:
            return taken + await self._share(len(taken))
        if serves_bulk and (bulk := await self._bulk()):
            return bulk
        return await self.prompt.take(BATCH_ENTRIES, BLOCK_SECONDS)

    async def _share(self, taken: int) -> list[Entry | Poison]:
        """What the bulk may have beside so many of the first stream."""
        # Nothing is awaited between the look and the change: the workers count together.
        count, self._owed = divmod(self._owed + taken, PROMPT_FOR_ONE)
        return await self._of_bulk(count) if count else []

    async def _bulk(self) -> list[Entry | Poison]:
        hand: list[Entry | Poison] = []
        while sum(len(one.message.users) for one in hand if isinstance(one, Entry)) < BULK_USERS:
            more = await self._of_bulk(BULK_ENTRIES)
            hand += more
            if len(more) < BULK_ENTRIES:
                break
        return hand

    async def _of_bulk(self, count: int) -> list[Entry | Poison]:
        rested = await self.bulk.claim(count, REST_SECONDS)
        return rested if len(rested) == count else rested + await self.bulk.take(count - len(rested), None)

    async def rest(self, entries: Sequence[Entry]) -> None:
        """As UndeliveredStream."""
        await self.prompt.rest([one.id for one in entries if not one.bulk])
        await self.bulk.rest([one.id for one in entries if one.bulk])

    async def done(self, entries: Sequence[Entry]) -> None:
        await self.prompt.done([one.id for one in entries if not one.bulk])
        await self.bulk.done([one.id for one in entries if one.bulk])

    async def hand_over(self, entries: Sequence[Entry]) -> None:
        await self.prompt.hand_over([one for one in entries if not one.bulk])
        await self.bulk.hand_over([one for one in entries if one.bulk])

    async def bury(self, one: Entry | Poison, reason: str) -> None:
        await (self.bulk if one.bulk else self.prompt).bury(one.id, one.raw, reason)

    async def forget_dead_consumers(self) -> None:
        await self.prompt.forget_dead_consumers()
        await self.bulk.forget_dead_consumers()
