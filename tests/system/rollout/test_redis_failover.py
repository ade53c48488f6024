"""One Redis address behind which the primary changes: a managed endpoint, or HAProxy that follows Sentinel's choice."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from services.embedded import EmbeddedRedis
from services.embedded.ports import free_port
from shared.redis import REDIS_FAILURES, open_redis
from tests.support.fault_proxy import FaultProxy
from tests.support.fleet import ROOT
from tests.support.redis_cluster import redis_binary
from tests.support.servers import kill, new_redis
from tests.support.tools import require_tool
from tests.support.waiting import PATIENCE, eventually
from tests.system.rollout.over_redis import survive, talking_fleet

PHONES = 40
PER_SECOND = 40.0
PAUSE_SECONDS = 15.0


HAPROXY = ROOT / "deploy/haproxy/redis.cfg"
SENTINEL = """
port {port}
dir {directory}
sentinel monitor parley 127.0.0.1 {primary} 1
sentinel auth-pass parley {password}
sentinel down-after-milliseconds parley 1000
sentinel failover-timeout parley 5000
"""


class Endpoint:
    """`url` leads to the primary. `old` is it at first, `new` its replica."""

    def __init__(self, proxy: FaultProxy, old: EmbeddedRedis, new: EmbeddedRedis) -> None:
        self.proxy = proxy
        self.old = old
        self.new = new

    @property
    def url(self) -> str:
        return at(self.old.url, self.proxy.port)

    async def promote(self) -> None:
        """The replica takes over: whoever connects from now on gets there."""
        await command(self.new.url, "REPLICAOF", "NO", "ONE")
        self.proxy.lead_to("127.0.0.1", self.new.port)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedRedis, EmbeddedRedis]]:
    """A primary and its replica. One password for both: behind an address it shows to nobody who is the primary."""
    async with new_redis(tmp_path) as first:
        second = new_redis(tmp_path / "second")
        second.directory.mkdir(parents=True)
        (second.directory / "password").write_text(first.password)
        async with second:
            for server in (first, second):
                await command(server.url, "CONFIG", "SET", "masterauth", server.password)
                await command(server.url, "CONFIG", "SET", "repl-diskless-sync-delay", 0)
            await command(second.url, "REPLICAOF", "127.0.0.1", first.port)
            await eventually(lambda: in_sync(second))
            yield first, second


async def test_nothing_is_lost_when_the_primary_changes_behind_one_address(
    pair: tuple[EmbeddedRedis, EmbeddedRedis], database_url: str, tmp_path: Path
) -> None:
    """Three ways in which it does: old connections are cut; they fall silent; they stay, at what is a replica now."""
    async with FaultProxy("127.0.0.1", pair[0].port) as proxy:
        await each_way(Endpoint(proxy, *pair), database_url, tmp_path)


async def each_way(endpoint: Endpoint, database_url: str, tmp_path: Path) -> None:

    async def cut() -> None:
        await endpoint.promote()
        endpoint.proxy.cut()
        await demote()

    async def silent() -> None:
        endpoint.proxy.silence()
        await endpoint.promote()
        await demote()

    async def demoted() -> None:
        await endpoint.promote()
        await demote()

    async def demote() -> None:
        """What failed over comes back as a replica of the new primary, for the next time."""
        endpoint.old, endpoint.new = endpoint.new, endpoint.old
        await command(endpoint.new.url, "REPLICAOF", "127.0.0.1", endpoint.old.port)
        await eventually(lambda: in_sync(endpoint.new))

    async with talking_fleet(tmp_path, database_url, endpoint.url, PHONES) as (fleet, crowd):
        for failover in (cut, silent, demoted):
            seen = await survive(fleet, crowd, PER_SECOND, failover, after_seconds=3)
            print(failover.__name__, seen, sep="\n")
            assert seen.violations == [], failover.__name__
            assert seen.server_errors == {}, failover.__name__
            assert seen.longest_wait < PATIENCE * PAUSE_SECONDS, failover.__name__


async def test_nothing_is_lost_when_sentinel_fails_over_behind_haproxy(
    pair: tuple[EmbeddedRedis, EmbeddedRedis], database_url: str, tmp_path: Path
) -> None:
    primary, replica = pair
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(sentinel(tmp_path, primary))
        address = await stack.enter_async_context(haproxy(tmp_path, primary, replica))
        over = talking_fleet(tmp_path, database_url, at(primary.url, address), PHONES)
        fleet, crowd = await stack.enter_async_context(over)

        async def kill_primary() -> None:
            kill(primary)
            await eventually(lambda: is_primary(replica), 30)

        seen = await survive(fleet, crowd, PER_SECOND, kill_primary, after_seconds=4)

    print(seen)
    assert seen.violations == []
    assert seen.server_errors == {}
    assert seen.longest_wait < PATIENCE * PAUSE_SECONDS


@contextlib.asynccontextmanager
async def sentinel(directory: Path, primary: EmbeddedRedis) -> AsyncIterator[None]:
    """One, which decides alone: how several agree is Redis' business. Ready once it knows the replica."""
    port, home = free_port(), directory / "sentinel"
    home.mkdir()
    configuration = home / "sentinel.conf"
    configuration.write_text(
        SENTINEL.format(port=port, directory=home, primary=primary.port, password=primary.password)
    )
    async with process([redis_binary(), str(configuration), "--sentinel"], home / "log"):
        url = f"redis://127.0.0.1:{port}"

        async def knows_the_replica() -> bool:
            try:
                return bool(await command(url, "SENTINEL", "REPLICAS", "parley"))
            except REDIS_FAILURES:
                return False

        await eventually(knows_the_replica, 20)
        yield


@contextlib.asynccontextmanager
async def haproxy(directory: Path, *servers: EmbeddedRedis) -> AsyncIterator[int]:
    """deploy/'s own configuration before these servers; the port that leads to the primary."""
    port = free_port()
    text = HAPROXY.read_text().replace("bind :6379", f"bind 127.0.0.1:{port}")
    for number, server in enumerate(servers, 1):
        text = text.replace(
            f"server redis{number} 127.0.0.1:{6379 + number}", f"server redis{number} 127.0.0.1:{server.port}"
        )
    configuration = directory / "redis.cfg"
    configuration.write_text(text)
    command_line = [require_tool("haproxy"), "-db", "-f", str(configuration)]
    async with process(command_line, directory / "haproxy.log", REDIS_PASSWORD=servers[0].password):
        await eventually(lambda: is_primary(servers[0], port))
        yield port


@contextlib.asynccontextmanager
async def process(arguments: list[str], log_path: Path, **environment: str) -> AsyncIterator[None]:
    with log_path.open("wb") as log:
        started = subprocess.Popen(arguments, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        yield
    finally:
        started.terminate()
        await asyncio.to_thread(started.wait, 10)


async def is_primary(server: EmbeddedRedis, port: int | None = None) -> bool:
    """Directly, or through another port."""
    try:
        role = await command(at(server.url, port or server.port), "ROLE")
    except REDIS_FAILURES:
        return False
    return bool(role[0] == b"master")


async def in_sync(replica: EmbeddedRedis) -> bool:
    role = await command(replica.url, "ROLE")
    return bool(role[0] == b"slave" and role[3] == b"connected")


async def command(url: str, *words: str | int) -> Any:
    client = open_redis(url)
    try:
        return await client.execute_command(*words)
    finally:
        await client.aclose()


def at(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
