"""redis-py over a Redis Cluster whose nodes die, and change their addresses."""

import asyncio
import contextlib
import gc
import random
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import keys
from shared.redis import REDIS_FAILURES, RedisClient, open_redis
from shared.redis_batches import Batches, successes
from tests.support.fault_proxy import FaultProxy
from tests.support.redis_cluster import Cluster, redis_binary, redis_cluster
from tests.support.waiting import eventually


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with redis_cluster(redis_binary(), tmp_path / "cluster", replicas=True) as cluster:
        yield cluster
    with warnings.catch_warnings():
        # redis-py forgets a connection that is cancelled while it is being made: no later test is to be blamed for it.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def test_a_stream_is_read_on_though_every_first_primary_has_died(cluster: Cluster) -> None:
    client = open_redis(cluster.url_of_all)
    await client.xgroup_create(keys.RECEIPTS, keys.RECEIPTS_GROUP, id="0", mkstream=True)
    for primary in await cluster.primaries():
        primary.kill()
        await cluster.taken_over(primary)
        await eventually(lambda: entry_is_read(client))
    await client.aclose()


async def test_who_uses_a_client_while_a_primary_dies_meets_nothing_but_what_a_caller_expects(cluster: Cluster) -> None:
    """Some give up early, as the limiter does: then redis-py closes what others are about to use."""
    client = open_redis(cluster.url_of_all)
    over = asyncio.Event()

    async def use(patience: float) -> None:
        while not over.is_set():
            with contextlib.suppress(*REDIS_FAILURES):
                async with asyncio.timeout(patience):
                    await client.set(f"key:{random.random()}", "value")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as users:
        for number in range(40):
            users.create_task(use(0.05 if number % 4 else 5.0))
        for primary in (await cluster.primaries())[:2]:
            primary.kill()
            await cluster.taken_over(primary)
        over.set()
    await client.aclose()


async def test_a_batch_of_which_a_dead_node_has_a_part_is_no_success(cluster: Cluster) -> None:
    client = open_redis(cluster.url_of_all)
    batches = Batches(client)
    commands = [("GET", f"key:{number}") for number in range(50)]
    assert successes(await batches.send(commands)) == [None] * 50

    cluster.nodes[0].kill()

    with pytest.raises(REDIS_FAILURES):
        successes(await batches.send(commands))
    await client.aclose()


async def entry_is_read(client: RedisClient) -> bool:
    try:
        answer = await client.xreadgroup(keys.RECEIPTS_GROUP, "reader", {keys.RECEIPTS: ">"}, block=100)
    except REDIS_FAILURES:
        return False
    return answer is not None


async def test_a_cluster_all_of_whose_nodes_moved_is_found_again_by_the_address_that_the_url_names(
    cluster: Cluster,
) -> None:
    """As pods do that come back under other addresses, behind a name that stays."""
    async with FaultProxy("127.0.0.1", cluster.nodes[0].port) as name:
        client = open_redis(f"redis+cluster://127.0.0.1:{name.port}")
        assert await client.set("key", "value")

        await cluster.move_all()
        name.lead_to("127.0.0.1", cluster.nodes[0].port)

        await eventually(lambda: key_is_read(client), 20)
        await client.aclose()


async def key_is_read(client: RedisClient) -> bool:
    try:
        return bool(await client.get("key") == b"value")
    except REDIS_FAILURES:
        return False
