"""How a process and what it depends on are: for `/health`, and for whoever decides on traffic."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from prometheus_client import Gauge

from shared.http.cost import FLAT
from shared.http.endpoint import Call, Endpoint, Nothing, Reply

PROBE_SECONDS = 1.0
"""A part that does not answer within this is away."""
FRESH_SECONDS = 1.0
"""How long an answer holds: anybody may ask, as often as they like, and each probe costs a round trip."""

Probe = Callable[[], Awaitable[object]]
Parts = Mapping[str, str]
"""Each part of which a process depends, and why it cannot be worked with; an empty text where it can."""


AWAY = Gauge("parley_part_away", "1 while a part cannot be worked with for this reason", ["service", "part", "reason"])


class HealthAnswer(msgspec.Struct, omit_defaults=True):
    """`ok`; `degraded` while a part is away that the service can do without for a while; `down` without a vital one."""

    status: Literal["ok", "degraded", "down"]
    parts: dict[str, Literal["ok", "away"]]
    reasons: dict[str, str] = {}
    """Of the parts that are away."""


class Health:
    """Probes are asked side by side; one that raises any of `outages`, or is late, says that its part is away.

    Why parts are away is told to Prometheus too, under the service's name, as of the last time that anybody asked.
    """

    def __init__(
        self,
        service: str,
        *,
        vital: Mapping[str, Probe],
        helpful: Mapping[str, Probe] | None = None,
        outages: tuple[type[Exception], ...] = (OSError, TimeoutError),
    ) -> None:
        self._service = service
        self._vital = vital
        self._probes = {**vital, **(helpful or {})}
        self._outages: tuple[type[Exception], ...] = (*outages, TimeoutError)
        self._asking = asyncio.Lock()
        self._troubles: dict[str, str] = {}
        self._fresh_until = 0.0

    async def parts(self) -> dict[str, str]:
        """At most FRESH_SECONDS old; however many ask, one probe of each is under way."""
        async with self._asking:
            if time.monotonic() >= self._fresh_until:
                troubles = await asyncio.gather(*(self._trouble(probe) for probe in self._probes.values()))
                for part, trouble in zip(self._probes, troubles, strict=True):
                    self._note(part, trouble)
                self._fresh_until = time.monotonic() + FRESH_SECONDS
            return self._troubles

    async def vital_parts(self) -> dict[str, str]:
        """Those without which this process should get no traffic."""
        return {name: trouble for name, trouble in (await self.parts()).items() if name in self._vital}

    def _note(self, part: str, trouble: str) -> None:
        before = self._troubles.get(part, "")
        if before and before != trouble:
            AWAY.labels(self._service, part, before).set(0)
        if trouble:
            AWAY.labels(self._service, part, trouble).set(1)
        self._troubles = {**self._troubles, part: trouble}

    async def _trouble(self, probe: Probe) -> str:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await probe()
        except TimeoutError:
            return "no answer in time"
        except self._outages as error:
            return trouble_of(error)
        return ""

    def endpoint(self) -> Endpoint:
        return Endpoint(
            method="GET",
            path="/health",
            name="getHealth",
            handler=self._answer,
            summary="Whether the service works",
            description="200 also while `degraded`; `parts` then says what is away.",
            tag="health",
            response=HealthAnswer,
            statuses=(200, 503),
            public=True,
            is_health=True,
            cost=FLAT,
        )

    async def _answer(self, _: Call[Nothing, Nothing]) -> HealthAnswer | Reply:
        parts = await self.parts()
        shown: dict[str, Literal["ok", "away"]] = {name: "away" if trouble else "ok" for name, trouble in parts.items()}
        reasons = {name: trouble for name, trouble in parts.items() if trouble}
        if any(parts[name] for name in self._vital):
            return Reply(503, HealthAnswer("down", shown, reasons))
        return HealthAnswer("degraded" if reasons else "ok", shown, reasons)


def trouble_of(error: Exception) -> str:
    """Why a part cannot be worked with, for operators and strangers alike: the kind of what happened, and of what a
    server refused its first word. No text of the server's goes further: it may name hosts, users and keys."""
    text = f"{type(error).__name__}: {error}"  # redis-py takes the code off, and makes a class of it
    for sign, trouble in _TROUBLES.items():
        if sign in text:
            return trouble
    return type(error).__name__


# What Redis and Postgres say, and what it means to an operator.
_TROUBLES = {
    "OutOfMemory": "full: it takes no writes",
    "OOM": "full: it takes no writes",
    "READONLY": "read-only",
    "ReadOnly": "read-only",
    "is a replica now": "read-only",
    "read-only transaction": "read-only",
    "NoPermission": "its ACL refuses a command, a key or a channel",
    "NOPERM": "its ACL refuses a command, a key or a channel",
    "no permissions": "its ACL refuses a command, a key or a channel",
    "MISCONF": "it cannot save to its disk, and takes no writes",
    "NOREPLICAS": "it has too few replicas, and takes no writes",
    "LOADING": "it still loads its data",
    "did not come back": "what is published is not heard",
}
