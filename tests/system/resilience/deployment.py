"""Two gateways and two persistence processes over a Postgres and a Redis of their own, to freeze and to kill."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from persistence.database.migrate import migrate
from services.embedded import EmbeddedPostgres, EmbeddedRedis
from tests.support.fleet import Fleet, ServiceProcess, fleet
from tests.support.servers import new_postgres, new_redis

SETTINGS = {
    "ACK_TIMEOUT": "1",
    "HEARTBEAT_SECONDS": "25",
    "LEASE_SECONDS": "2",
    "PRESENCE_GRACE_SECONDS": "2",
    "RATE_LIMIT_USER": "100000:100000",
    "RATE_LIMIT_ADDRESS": "100000:100000",
    "RATE_LIMIT_FRAMES": "1000:1000",
    "LOG_LEVEL": "warning",
}
"""Limits out of the way but for ACCEPT_RATE, which is production's; so is the heartbeat, which is patient with a tester
that the machine leaves waiting for 10 s."""


@dataclass(frozen=True)
class Deployment:
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    fleet: Fleet

    @property
    def gateways(self) -> list[ServiceProcess]:
        return self._named("gateway")

    @property
    def stores(self) -> list[ServiceProcess]:
        return self._named("persistence")

    def _named(self, kind: str) -> list[ServiceProcess]:
        return [process for name, process in self.fleet.processes.items() if name.startswith(kind)]


@contextlib.asynccontextmanager
async def deployment(directory: Path, *, pushers: int = 0, **settings: str) -> AsyncIterator[Deployment]:
    """All of it, ready; gone on leaving."""
    async with new_postgres(directory, fsync="off", max_connections="200") as postgres, new_redis(directory) as redis:
        await migrate(postgres.url)
        sized = {"gateways": 2, "persistences": 2, "pushers": pushers}
        async with fleet(directory, postgres.url, redis.url, **sized, **{**SETTINGS, **settings}) as running:  # type: ignore[arg-type]
            yield Deployment(postgres, redis, running)


async def is_ready(process: ServiceProcess) -> bool:
    """As its load balancer is told."""
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{process.internal_url}/ready") as answer:
        return answer.status == 200
