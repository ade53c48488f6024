"""How a process and what it depends on are: for `/health`, and for whoever decides on traffic."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from shared.http.endpoint import Call, Endpoint, Nothing, Reply

PROBE_SECONDS = 1.0
"""A part that does not answer within this is away."""
FRESH_SECONDS = 1.0
"""How long an answer holds: anybody may ask, as often as they like, and each probe costs a round trip."""

Probe = Callable[[], Awaitable[object]]


class HealthAnswer(msgspec.Struct):
    """`ok`; `degraded` while a part is away that the service can do without for a while; `down` without a vital one."""

    status: Literal["ok", "degraded", "down"]
    parts: dict[str, Literal["ok", "away"]]


class Health:
    """Probes are asked side by side; one that raises any of `outages`, or is late, says that its part is away."""

    def __init__(
        self,
        *,
        vital: Mapping[str, Probe],
        helpful: Mapping[str, Probe] | None = None,
        outages: tuple[type[Exception], ...] = (OSError, TimeoutError),
    ) -> None:
        self._vital = vital
        self._probes = {**vital, **(helpful or {})}
        self._outages: tuple[type[Exception], ...] = (*outages, TimeoutError)
        self._asking = asyncio.Lock()
        self._there: dict[str, bool] = {}
        self._fresh_until = 0.0

    async def parts(self) -> dict[str, bool]:
        """Each part, and whether it is there; at most FRESH_SECONDS old."""
        async with self._asking:
            if time.monotonic() >= self._fresh_until:
                there = await asyncio.gather(*(self._is_there(probe) for probe in self._probes.values()))
                self._there = dict(zip(self._probes, there, strict=True))
                self._fresh_until = time.monotonic() + FRESH_SECONDS
            return self._there

    async def vital_parts(self) -> dict[str, bool]:
        """Those without which this process should get no traffic."""
        return {name: there for name, there in (await self.parts()).items() if name in self._vital}

    async def _is_there(self, probe: Probe) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await probe()
        except self._outages:
            return False
        return True

    def endpoint(self) -> Endpoint:
        return Endpoint(
            method="GET",
            path="/health",
            handler=self._answer,
            summary="Whether the service works",
            description="200 also while `degraded`; `parts` then says what is away.",
            tag="health",
            response=HealthAnswer,
            statuses=(200, 503),
            public=True,
            limited=False,
        )

    async def _answer(self, _: Call[Nothing, Nothing]) -> HealthAnswer | Reply:
        parts = await self.parts()
        shown: dict[str, Literal["ok", "away"]] = {name: "ok" if there else "away" for name, there in parts.items()}
        if not all(parts[name] for name in self._vital):
            return Reply(503, HealthAnswer("down", shown))
        return HealthAnswer("ok" if all(parts.values()) else "degraded", shown)
