"""One Redis address behind which the primary changes: a managed endpoint, or HAProxy that follows Sentinel's choice."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from services.embedded import EmbeddedRedis
from shared.redis import open_redis
from tests.support.fault_proxy import FaultProxy
from tests.support.servers import new_redis
from tests.support.waiting import eventually
from tests.system.rollout.over_redis import survive, talking_fleet

PHONES = 40
PER_SECOND = 40.0
PAUSE_SECONDS = 15.0


class Endpoint:
    """`url` leads to the primary. `old` is it at first, `new` its replica."""

    def __init__(self, proxy: FaultProxy, old: EmbeddedRedis, new: EmbeddedRedis) -> None:
        self.proxy = proxy
        self.old = old
        self.new = new

    @property
    def url(self) -> str:
        return at(self.old.url, self.proxy.port)

    async def follow(self, follower: EmbeddedRedis, primary: EmbeddedRedis) -> None:
        await command(follower.url, "CONFIG", "SET", "masterauth", primary.password)
        await command(follower.url, "REPLICAOF", "127.0.0.1", primary.port)

    async def promote(self) -> None:
        """The replica takes over: whoever connects from now on gets there."""
        await command(self.new.url, "REPLICAOF", "NO", "ONE")
        self.proxy.lead_to("127.0.0.1", self.new.port)

    async def in_sync(self) -> bool:
        client = open_redis(self.new.url)
        try:
            return (await client.info("replication")).get("master_link_status") == "up"
        finally:
            await client.aclose()


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    async with new_redis(tmp_path) as old:
        # One password for both, as behind any endpoint: who is the primary shows to nobody.
        other = new_redis(tmp_path / "second")
        other.directory.mkdir(parents=True)
        (other.directory / "password").write_text(old.password)
        async with other as new, FaultProxy("127.0.0.1", old.port) as proxy:
            made = Endpoint(proxy, old, new)
            await made.follow(new, old)
            await eventually(made.in_sync)
            yield made


async def test_nothing_is_lost_when_the_primary_changes_behind_one_address(
    endpoint: Endpoint, database_url: str, tmp_path: Path
) -> None:
    """Three ways in which it does: old connections are cut; they fall silent; they stay, at what is a replica now."""

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
        await endpoint.follow(endpoint.new, endpoint.old)
        await eventually(endpoint.in_sync)

    async with talking_fleet(tmp_path, database_url, endpoint.url, PHONES) as (fleet, crowd):
        for failover in (cut, silent, demoted):
            seen = await survive(fleet, crowd, PER_SECOND, failover, after_seconds=3)
            print(failover.__name__, seen, sep="\n")
            assert seen.violations == [], failover.__name__
            assert seen.server_errors == {}, failover.__name__
            assert seen.longest_wait < PAUSE_SECONDS, failover.__name__


async def command(url: str, *words: str | int) -> None:
    client = open_redis(url)
    try:
        await client.execute_command(*words)
    finally:
        await client.aclose()


def at(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
