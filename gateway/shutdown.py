"""How a gateway stops: one story, told here (SIGTERM, a drain that an operator asks for, and the end of `up` alike).

1. It is not ready any more and lets nobody in: the load balancer looks elsewhere (`close`).
2. Everybody in is asked to leave, spread over DRAIN_SECONDS, and then closed with 1012 (`drain`). A client that stopped
   reading is dropped FAREWELL_SECONDS later: nothing waits for it.
3. What only this process knows is handed over, for at most FLUSH_SECONDS: presence, then the lease, which ends by
   itself after the grace, so that whoever reconnects elsewhere was never offline; then the receipts.
4. Tasks and clients end (`Gateway.__aexit__`); the caller then closes the internal listener, and Redis.

A SIGKILL skips all of it: the lease lapses, another gateway sweeps, clients resume and report again.
"""

import asyncio

import structlog

from gateway.drain import drain
from gateway.presence.lease import Lease
from gateway.presence.writer import PresenceWriter
from gateway.receipts.sender import ReceiptSender
from gateway.session.acceptor import Acceptor
from shared.redis import REDIS_FAILURES
from shared.settings import Settings

log = structlog.get_logger()

FLUSH_SECONDS = 3.0
"""How long a stopping gateway tries to hand over what it knows."""


class Shutdown:
    def __init__(
        self, settings: Settings, acceptor: Acceptor, presence: PresenceWriter, lease: Lease, receipts: ReceiptSender
    ) -> None:
        self._drain_seconds = settings.drain_seconds
        self._grace_seconds = settings.presence_grace_seconds
        self._acceptor = acceptor
        self._presence = presence
        self._lease = lease
        self._receipts = receipts

    async def drain(self) -> None:
        """Steps 1 and 2: lets no one in any more, and everyone out."""
        self._acceptor.is_open = False
        await drain(self._acceptor.sessions(), self._acceptor.empty, self._drain_seconds)

    async def hand_over(self) -> None:
        """Step 3. What is not handed over in time is logged: clients and sweepers make up for it."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._presence.flush()
                await self._lease.release(self._grace_seconds)
                await self._receipts.settled()
        except (*REDIS_FAILURES, TimeoutError) as error:
            log.warning("not all handed over", error=f"{type(error).__name__}: {error}")
