"""What clients were answered, and when they connected: read from aiohttp's own tracing, whatever the clients do."""

import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp

UPGRADE = 101


@dataclass
class Traffic:
    """`statuses` counts answers, `broken` requests without one, `upgraded_at` has the moments of upgrades in order."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    upgraded_at: list[float] = field(default_factory=list)

    def trace(self) -> aiohttp.TraceConfig:
        """For a ClientSession that is to be watched."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._answered)
        config.on_request_exception.append(self._failed)
        return config

    @property
    def server_errors(self) -> dict[int, int]:
        """5xx other than 503, which an app may show to nobody but tries again."""
        return {status: count for status, count in self.statuses.items() if status >= 500 and status != 503}

    def fastest_second(self, since: float) -> int:
        """The most upgrades in any one second after `since`."""
        moments = self.upgraded_at[bisect_right(self.upgraded_at, since) :]
        return max((bisect_right(moments, one + 1.0) - place for place, one in enumerate(moments)), default=0)

    async def _answered(self, _: Any, __: SimpleNamespace, answer: aiohttp.TraceRequestEndParams) -> None:
        self.statuses[answer.response.status] += 1
        if answer.response.status == UPGRADE:
            self.upgraded_at.append(time.monotonic())

    async def _failed(self, _: Any, __: SimpleNamespace, failure: aiohttp.TraceRequestExceptionParams) -> None:
        self.broken[type(failure.exception).__name__] += 1
