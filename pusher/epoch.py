"""The line of history that this pusher serves, as persistence tells it."""

import asyncio

import structlog

from pusher.persistence_client import PersistenceAway, PersistenceClient, PersistenceRefused

log = structlog.get_logger()

LOOK_SECONDS = 5.0
"""How long a restore of the database may go unnoticed: a look costs persistence one row."""
RETRY_SECONDS = 0.5


class Epoch:
    """`run` must run, as a task of the owner's. `current` is empty until persistence answered once."""

    def __init__(self, persistence: PersistenceClient) -> None:
        self.current = ""
        self._persistence = persistence
        self._known = asyncio.Event()

    async def known(self) -> None:
        """Returns once persistence has told it: before that nobody can say whose an entry is."""
        await self._known.wait()

    async def run(self) -> None:
        while True:
            try:
                self.current = await self._persistence.epoch()
                self._known.set()
                await asyncio.sleep(LOOK_SECONDS)
            except (PersistenceAway, PersistenceRefused) as error:
                log.warning("epoch not read", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
