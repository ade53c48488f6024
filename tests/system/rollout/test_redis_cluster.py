"""A Redis Cluster of three primaries and three replicas under a talking fleet: a primary dies, slots move."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.bus.slots import key_slot
from shared import keys
from tests.support.redis_cluster import Cluster, redis_binary, redis_cluster
from tests.support.waiting import PATIENCE
from tests.system.rollout.over_redis import survive, talking_fleet

PHONES = 60
PER_SECOND = 40.0
PAUSE_SECONDS = 15.0


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with redis_cluster(redis_binary(), tmp_path / "cluster", replicas=True) as cluster:
        yield cluster


async def test_nothing_is_lost_when_slots_move_and_when_a_primary_dies(
    cluster: Cluster, database_url: str, tmp_path: Path
) -> None:
    async with talking_fleet(tmp_path, database_url, cluster.url_of_all, PHONES) as (fleet, crowd):

        async def move_slots() -> None:
            await move_busy_slots(cluster, list(crowd.conversations)[:5])

        moved = await survive(fleet, crowd, PER_SECOND, move_slots)
        print(moved)
        assert moved.violations == []
        assert moved.server_errors == {}

        died = await survive(fleet, crowd, PER_SECOND, lambda: kill_primary(cluster), after_seconds=5)
        print(died)
        assert died.violations == []
        assert died.server_errors == {}
        assert died.longest_wait < PATIENCE * PAUSE_SECONDS


async def test_a_fleet_starts_while_the_first_named_node_is_away(
    cluster: Cluster, database_url: str, tmp_path: Path
) -> None:
    url = cluster.url_of_all
    await kill_primary(cluster)

    async with talking_fleet(tmp_path, database_url, url, 10) as (fleet, crowd):
        seen = await survive(fleet, crowd, PER_SECOND, lambda: asyncio.sleep(0))

    assert seen.violations == []


async def move_busy_slots(cluster: Cluster, conversations: list[str]) -> None:
    """Those of some conversations' channels, of the receipts' stream, and of a presence shard."""
    for channel in [*map(keys.room, conversations), keys.RECEIPTS, keys.presence_channel(0)]:
        slot = key_slot(channel.encode())
        source = await cluster.owner(slot)
        target = next(node for node in await cluster.primaries() if node is not source)
        await cluster.move_slot(slot, source, target)


async def kill_primary(cluster: Cluster) -> None:
    """The one that the URL names first; returns once its replica has taken over."""
    victim = cluster.nodes[0]
    victim.kill()
    await cluster.taken_over(victim)
