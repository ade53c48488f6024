"""Proof that what is published arrives: a subscription that went silent looks exactly like a quiet one.

Every `seconds` another connection publishes a number to a channel of ours, and it must come back through the link.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter, Histogram

from gateway.bus.cancellation import heed_cancellation
from shared.metrics import DELIVERY_BUCKETS
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

PublishProbe = Callable[[bytes, bytes], Awaitable[object]]
"""Publishes (channel, payload) with SPUBLISH, over another connection than the link's. Raises one of REDIS_FAILURES."""

TOLERATED_PROBES = 2
"""One late probe may be a busy moment; two in a row are a dead link."""

_SECONDS = Histogram(
    "parley_gateway_redis_probe_seconds",
    "Seconds from publishing a probe to its return through the subscribed link.",
    buckets=DELIVERY_BUCKETS,
)
_FAILURES = Counter(
    "parley_gateway_redis_probe_failures_total",
    "Probes that could not be published (publish) or did not come back in time (silent).",
    ["reason"],
)
_UNPUBLISHED, _SILENT = _FAILURES.labels("publish"), _FAILURES.labels("silent")


class Probe:
    """Probes one link after the other; `on_silent` is called when two probes in a row were published and did not come.

    A failing publish proves nothing about the link, so it never replaces it; but without a proof nothing is `proven`.
    """

    def __init__(self, channel: bytes, *, publish: PublishProbe, seconds: float, on_silent: Callable[[], None]) -> None:
        self.channel = channel
        self._publish = publish
        self._seconds = seconds
        self._on_silent = on_silent
        self._again = asyncio.Event()
        self._number = 0
        self._sent_at = 0.0
        self._back_at: float | None = None
        self._returned = 0
        self._missed = 0
        self._complained = False

    @property
    def proven(self) -> bool:
        """Whether a probe came back through the present link within the time of two probes."""
        return self._back_at is not None and _now() - self._back_at < TOLERATED_PROBES * self._seconds

    def forget(self) -> None:
        """A new link: what the one before proved is void."""
        self._back_at = None
        self._missed = 0

    def hurry(self) -> None:
        """The new link is subscribed: probe now, not at the next turn."""
        self._missed = 0
        self._again.set()

    def came_back(self, payload: bytes) -> None:
        """A late return of an earlier probe proves nothing: the link is behind by more than a probe's time."""
        if payload == b"%d" % self._number:
            self._returned = self._number
            self._back_at = _now()
            self._missed = 0
            _SECONDS.observe(self._back_at - self._sent_at)

    async def run(self) -> None:
        """Probes forever."""
        while True:
            self._number += 1
            due = _now() + self._seconds
            published = await self._published()
            heed_cancellation()
            if not await self._hurried_before(due):
                self._judge(published)

    async def _published(self) -> bool:
        self._sent_at = _now()
        try:
            async with asyncio.timeout(self._seconds):
                await self._publish(self.channel, b"%d" % self._number)
        except REDIS_FAILURES as error:
            _UNPUBLISHED.inc()
            if not self._complained:  # once an outage
                log.warning("redis probe not published", error=f"{type(error).__name__}: {error}")
            self._complained = True
            return False
        self._complained = False
        return True

    async def _hurried_before(self, due: float) -> bool:
        try:
            async with asyncio.timeout_at(due):
                await self._again.wait()
        except TimeoutError:
            return False
        self._again.clear()
        return True

    def _judge(self, published: bool) -> None:
        if published and self._returned != self._number:
            _SILENT.inc()
            self._missed += 1
            if self._missed >= TOLERATED_PROBES:
                self._missed = 0
                self._on_silent()


def _now() -> float:
    return asyncio.get_running_loop().time()
