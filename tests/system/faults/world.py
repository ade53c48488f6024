"""The laboratory: every service twice, real servers, and in every link a proxy that can cut, stall and delay it."""

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from persistence.database.migrate import migrate
from services.embedded import EmbeddedPostgres, EmbeddedRedis
from tests.support.fake_expo import FakeExpo, fake_expo
from tests.support.fault_proxy import FaultProxy
from tests.support.fleet import ROOT, Fleet, ServiceProcess
from tests.support.servers import new_postgres, new_redis
from tests.system.faults.schedule import GATEWAYS, LINKS, PUSHERS, STORES, Fault

SETTINGS = {
    "ACK_TIMEOUT": "1",
    "HEARTBEAT_SECONDS": "1",
    "LEASE_SECONDS": "1",
    "PRESENCE_GRACE_SECONDS": "0.5",
    "DRAIN_SECONDS": "0.5",
    "PUSH_BURST_SECONDS": "0",
    "RATE_LIMIT_USER": "100000:100000",
    "RATE_LIMIT_ADDRESS": "100000:100000",
    "RATE_LIMIT_FRAMES": "10000:10000",
    "MAX_USER_CONNECTIONS": "3",
    "LOG_LEVEL": "info",
}
"""A second or less where production has many, so that a schedule takes under a minute; limits out of the way, but
for the one of sockets: a user has two devices, and those of a dead gateway must make room for them."""


@dataclass
class World:
    """What the faults are done to. `proxies` by link, `LEFT>RIGHT`. `reached`: who died exactly at a checkpoint."""

    directory: Path
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    expo: FakeExpo
    fleet: Fleet
    proxies: dict[str, FaultProxy] = field(default_factory=dict)
    reached: list[Fault] = field(default_factory=list)

    def process(self, name: str) -> ServiceProcess:
        return self.fleet.processes[name]

    def url_for_clients(self, name: str, scheme: str = "http") -> str:
        """A gateway's or a store's public port, through the clients' proxy."""
        return f"{scheme}://127.0.0.1:{self.proxies[f'clients>{name}'].port}"

    async def empty_redis(self, down_seconds: float) -> None:
        """Redis dies and comes back with nothing, as a managed one without persistence does."""
        await self.redis.stop()
        shutil.rmtree(self.redis.directory / "data")
        await asyncio.sleep(down_seconds)
        await self.redis.start()


@contextlib.asynccontextmanager
async def world(directory: Path, source: Path = ROOT) -> AsyncIterator[World]:
    """All of it, ready; gone on leaving. `source` is the folder whose code the processes run."""
    async with (
        new_postgres(directory, fsync="off") as postgres,
        new_redis(directory) as redis,
        fake_expo() as expo,
        contextlib.AsyncExitStack() as stack,
    ):
        await migrate(postgres.url)
        made = World(directory, postgres, redis, expo, _fleet(directory, expo, source))
        try:
            await _build(made, stack)
            yield made
        finally:
            await made.fleet.stop()


def _fleet(directory: Path, expo: FakeExpo, source: Path) -> Fleet:
    secret = secrets.token_hex(32)
    base = {
        "JWT_SECRET": secret,
        "SERVICE_TOKEN": secrets.token_hex(16),
        "EXPO_PUSH_URL": expo.url,
        **SETTINGS,
    }
    return Fleet(directory, base, secret, source)


async def _build(made: World, stack: contextlib.AsyncExitStack) -> None:
    """Processes are described first: a proxy needs to know the port it leads to."""
    for name in STORES + GATEWAYS + PUSHERS:
        made.fleet.add(name.split("-")[0], name)
    for link in LINKS:
        made.proxies[link] = await stack.enter_async_context(FaultProxy("127.0.0.1", _port_of(made, link)))
    for name in STORES + GATEWAYS + PUSHERS:
        made.process(name).environment.update(_urls(made, name))
        made.process(name).spawn()
    for name in STORES + GATEWAYS + PUSHERS:
        await made.process(name).ready()


def _port_of(made: World, link: str) -> int:
    left, right = link.split(">")
    if right in ("redis", "postgres"):
        return made.redis.port if right == "redis" else made.postgres.port
    if right == "expo":
        return urlsplit(made.expo.url).port or 0
    if right == "persistence":
        # Each asks a store of its own number, so that one store's death is felt by half of the others.
        return made.process(f"persistence-{left[-1]}").internal_port
    return made.process(right).port


def _urls(made: World, name: str) -> dict[str, str]:
    def through(url: str, right: str) -> str:
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{made.proxies[f'{name}>{right}'].port}"))

    urls = {"REDIS_URL": through(made.redis.url, "redis")}
    if name in STORES:
        return {**urls, "DATABASE_URL": through(made.postgres.url, "postgres")}
    if name in PUSHERS:
        urls["EXPO_PUSH_URL"] = f"http://127.0.0.1:{made.proxies[f'{name}>expo'].port}"
    return {**urls, "PERSISTENCE_URL": f"http://127.0.0.1:{made.proxies[f'{name}>persistence'].port}"}
