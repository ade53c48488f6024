"""How late the event loop runs what is due: the one number that says that a process has no time left."""

import asyncio

from prometheus_client import Histogram

STEP_SECONDS = 0.1

LAG_SECONDS = Histogram(
    "parley_loop_lag_seconds",
    "How late the event loop ran a timer, ten times a second.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)


class LoopLag:
    """Whoever makes it starts and stops it. One in a process."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take_worst(self) -> float:
        """Seconds, the longest since this was asked last."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + STEP_SECONDS
        self._timer = loop.call_at(due, self._measure, due)

    def _measure(self, due: float) -> None:
        late = max(0.0, asyncio.get_running_loop().time() - due)
        LAG_SECONDS.observe(late)
        self._worst = max(self._worst, late)
        self._arm()
