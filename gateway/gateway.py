"""A gateway: how it starts, and whether it is ready. What it is made of stands in `parts`, the stop in `shutdown`."""

from types import TracebackType
from typing import Self

import structlog

from gateway.parts import Parts
from gateway.persistence_client import PersistenceAway
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()


class Gateway(Parts):
    """One incarnation: entered, it serves; left, it drains (DRAIN_SECONDS) and hands over what it knows.

    Leave it after the public listener was closed, and before the internal one: so no new socket comes, and whoever
    asks is told that it is not ready. Needs settings `redis_url`, `persistence_url` and `service_token`; `redis` and
    `verifier` stay the caller's to close. Its numbers are in `registry` while it serves: one gateway in each.
    """

    async def __aenter__(self) -> Self:
        self._registry.register(self.stats)
        await self._persistence.__aenter__()
        await self._tasks.__aenter__()
        self._heartbeat.start()
        self._expiry.start()
        self._tasks.spawn(self._bus.run(), name="redis link")
        self._tasks.spawn(self._publisher.run(), name="publisher")
        self._tasks.spawn(self._receipts.run(), name="receipts")
        self._tasks.spawn(self._presence.run(), name="presence")
        self._tasks.spawn(self._lease.run(), name="lease")
        self._tasks.spawn(self._updates.run(), name="presence updates")
        self._tasks.spawn(self._gap_filler.run(), name="gaps")
        self._tasks.spawn(self._reconciler.run(), name="checks")
        self._tasks.spawn(self._revocations.run(), name="revocations")
        self._tasks.periodically(self._settings.lease_seconds / 3, self._sweep, name="sweep")
        self._own_channels.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._shutdown.drain()
            await self._shutdown.hand_over()
        finally:
            self._expiry.stop()
            self._heartbeat.stop()
            self._typing.stop()
            self._registry.unregister(self.stats)
            await self._tasks.__aexit__(kind, error, trace)
            await self._persistence.__aexit__(kind, error, trace)

    async def drain(self) -> None:
        """Lets no one in any more, and everyone out."""
        await self._shutdown.drain()

    async def settled(self) -> None:
        """Returns once every receipt that was reported is in Postgres."""
        await self._receipts.settled()

    async def ready(self) -> dict[str, str]:
        """What must work to serve: Redis, by what this gateway does with it, and not being about to stop."""
        return await self._readiness.parts()

    async def _sweep(self) -> None:
        try:
            await self._sweeper.sweep()
            self._devices.forget_dead(await self.reader.live())
        except (*REDIS_FAILURES, PersistenceAway) as error:
            log.warning("dead gateways not swept yet", error=f"{type(error).__name__}: {error}")
