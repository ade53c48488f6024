"""A process says what it is and how it is, a few times in each lease, for as long as it runs: also while it drains."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from urllib.parse import urlsplit

import structlog

from services import openings
from services.fleet.process import Process, Registry
from services.fleet.readings import Reading
from shared.clock import now_ms
from shared.lifecycle import Stop, Tasks
from shared.lifecycle.lag import LoopLag
from shared.redis import REDIS_FAILURES
from shared.settings import Settings

log = structlog.get_logger()

LEAVE_SECONDS = 1.0


@asynccontextmanager
async def registered(
    settings: Settings, stop: Stop, internal_port: int, readings: Sequence[Reading]
) -> AsyncIterator[None]:
    """Registers the process' services, one line each, until it is left. Redis may be away: then nobody sees them."""
    lag = LoopLag()
    lag.start()
    try:
        async with (
            openings.redis_client(settings.redis_url or "", settings.redis_prefix) as redis,
            Tasks("fleet", stop) as tasks,
        ):
            registry = Registry(redis)
            entries = [_Entry(settings, internal_port, reading) for reading in readings]
            tasks.spawn(_keep(registry, entries, lag, settings.lease_seconds), name="register")
            yield
            with suppress(*REDIS_FAILURES):
                async with asyncio.timeout(LEAVE_SECONDS):
                    for entry in entries:
                        await registry.remove(entry.name)
    finally:
        lag.stop()


async def _keep(registry: Registry, entries: Sequence["_Entry"], lag: LoopLag, lease_seconds: float) -> None:
    complained = False
    while True:
        worst = lag.take_worst()
        try:
            for entry in entries:
                await registry.put(await entry.read(worst), lease_seconds)
            complained = False
        except REDIS_FAILURES as error:
            if not complained:  # once an outage
                log.warning("not registered in the fleet", error=f"{type(error).__name__}: {error}")
            complained = True
        await asyncio.sleep(lease_seconds / 3)


class _Entry:
    """One service's line, and the counters of the last time, from which its rates come."""

    def __init__(self, settings: Settings, internal_port: int, reading: Reading) -> None:
        self.name = f"{reading.service}@{socket.gethostname()}:{internal_port}"
        self._address = f"http://{_reachable(settings)}:{internal_port}"
        self._reading = reading
        self._started_ms = now_ms()
        self._counted: dict[str, float] = {}
        self._counted_at = 0.0

    async def read(self, loop_lag_seconds: float) -> Process:
        parts = await self._reading.parts()
        return Process(
            name=self.name,
            service=self._reading.service,
            address=self._address,
            started_ms=self._started_ms,
            at_ms=now_ms(),
            away=[part for part, trouble in parts.items() if trouble],
            numbers={**self._reading.gauges(), **self._rates(), "loop_lag_seconds": loop_lag_seconds},
            incarnation=self._reading.incarnation,
            epoch=self._reading.epoch(),
        )

    def _rates(self) -> dict[str, float]:
        before, since = self._counted, monotonic() - self._counted_at
        self._counted, self._counted_at = self._reading.counters(), monotonic()
        return {
            f"{name}_per_second": round((count - before[name]) / since, 3) if name in before else 0.0
            for name, count in self._counted.items()
        }


def _reachable(settings: Settings) -> str:
    """INTERNAL_HOST; where that is every address of this machine, the one from which it reaches Redis."""
    host = settings.internal_host
    if host not in ("0.0.0.0", "::"):
        return host
    try:
        # Connecting a UDP socket sends nothing: the kernel only chooses the route.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            redis = urlsplit(settings.redis_url or "")
            probe.connect((redis.hostname or "127.0.0.1", redis.port or 6379))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
