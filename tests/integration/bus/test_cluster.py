"""The same promises over a Redis Cluster of three primaries, whose slots move and whose nodes die."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.bus.slots import SLOTS, key_slot
from tests.integration.bus.listening import Listening, listening
from tests.support.redis_cluster import Cluster, Node, redis_binary, redis_cluster
from tests.support.waiting import eventually

ROOMS = [f"room:{number}" for number in range(300)]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with redis_cluster(redis_binary(), tmp_path / "cluster") as cluster:
        yield cluster


async def every_room_hears(cluster: Cluster, here: Listening, word: str) -> None:
    """Published at the owner of each room's slot, as a publisher with the right topology does."""
    owners = {room: await cluster.owner(key_slot(room.encode())) for room in ROOMS}
    for room in ROOMS:
        assert await owners[room].client.execute_command("SPUBLISH", room, word) == 1, room
    await eventually(lambda: {(room.encode(), word.encode()) for room in ROOMS} <= set(here.messages))


async def test_channels_of_all_nodes_are_heard_and_each_node_is_proven(cluster: Cluster) -> None:
    async with listening(cluster.url) as here:
        await here.bus.subscribe(ROOMS)
        await every_room_hears(cluster, here, "hello")
        assert len(here.messages) == len(ROOMS)
        assert here.lost == 0

        await eventually(lambda: here.bus.proven)
        for node in cluster.nodes:
            assert len(await links(node)) == 1


async def test_unsubscribed_channels_are_left_on_their_nodes(cluster: Cluster) -> None:
    async with listening(cluster.url) as here:
        await here.bus.subscribe(ROOMS)
        here.bus.unsubscribe(ROOMS)
        await eventually(lambda: nothing_but_probes(cluster))


async def test_a_channel_follows_its_slot_to_another_node(cluster: Cluster) -> None:
    slot = key_slot(b"room:1")
    source = await cluster.owner(slot)
    target = next(node for node in cluster.nodes if node is not source)
    async with listening(cluster.url) as here:
        await here.bus.subscribe(ROOMS)
        await cluster.move_slot(slot, source, target)

        await eventually(lambda: any(b"room:1" in restored for restored in here.restored))
        assert here.lost >= 1
        await here.bus.subscribe(ROOMS)
        await every_room_hears(cluster, here, "after")
        assert len(here.messages) == len(ROOMS)
        await eventually(lambda: here.bus.proven)


async def test_a_channel_whose_slot_moved_unseen_is_subscribed_where_it_is_now(cluster: Cluster) -> None:
    slot = key_slot(b"room:1")
    source = await cluster.owner(slot)
    target = next(node for node in cluster.nodes if node is not source)
    async with listening(cluster.url) as here:
        await eventually(lambda: here.bus.proven)
        await cluster.move_slot(slot, source, target)

        await here.bus.subscribe(["room:1"])
        assert await target.client.execute_command("SPUBLISH", "room:1", "hello") == 1
        await eventually(here.hears("room:1", "hello"))


async def test_a_probe_whose_slot_moved_is_sent_elsewhere(cluster: Cluster) -> None:
    async with listening(cluster.url) as here:
        await eventually(lambda: here.bus.proven)
        for node in cluster.nodes:
            [channel] = await node.client.pubsub_shardchannels("probe:*")
            target = next(other for other in cluster.nodes if other is not node)
            await cluster.move_slot(key_slot(channel), node, target)
            await eventually(partial(probes_another_channel, node, channel))
        await eventually(lambda: here.bus.proven)
        generation = here.bus.generation
        await asyncio.sleep(0.7)
        assert here.bus.proven
        assert here.bus.generation == generation


async def test_a_node_that_is_killed_and_comes_back_serves_its_channels_again(cluster: Cluster) -> None:
    victim = cluster.nodes[1]
    theirs = sorted([room.encode() for room in ROOMS if await cluster.owner(key_slot(room.encode())) is victim])
    async with listening(cluster.url) as here:
        await here.bus.subscribe(ROOMS)
        victim.kill()
        await eventually(lambda: not here.bus.proven)
        await victim.start()

        await eventually(lambda: here.bus.proven)
        await here.bus.subscribe(ROOMS)
        assert sorted(channel for restored in here.restored for channel in restored) == theirs
        await every_room_hears(cluster, here, "after")


async def test_a_replica_that_takes_over_serves_the_channels_of_its_dead_primary(cluster: Cluster) -> None:
    victim = cluster.nodes[0]  # the one that the URL names: the others must be known by now
    await cluster.add_replica(victim)
    async with listening(cluster.url) as here:
        await here.bus.subscribe(ROOMS)
        await eventually(lambda: here.bus.proven)
        victim.kill()
        cluster.nodes.remove(victim)
        await eventually(lambda: here.lost >= 1)

        await here.bus.subscribe(ROOMS)
        await eventually(lambda: here.bus.proven, seconds=20)
        await every_room_hears(cluster, here, "after")
    await victim.stop()


async def test_who_subscribes_to_a_slot_that_nobody_serves_waits_until_somebody_does(cluster: Cluster) -> None:
    slot = key_slot(b"room:1")
    owner = await cluster.owner(slot)
    for node in cluster.nodes:
        await node.cluster("DELSLOTS", slot)
    async with listening(cluster.url) as here:
        waiting = asyncio.create_task(here.bus.subscribe(["room:1"]))
        await asyncio.wait([waiting], timeout=0.5)
        assert not waiting.done()
        assert not here.bus.proven
        await owner.cluster("ADDSLOTS", slot)
        await waiting


def test_a_hash_tag_alone_decides_the_slot() -> None:
    """Examples of the cluster specification, and of a server's CLUSTER KEYSLOT."""
    assert key_slot(b"123456789") == 0x31C3 % SLOTS
    assert key_slot(b"{user1000}.following") == key_slot(b"user1000") == key_slot(b"x{user1000}{y}")
    assert key_slot(b"foo{}{bar}") != key_slot(b"bar")
    assert key_slot(b"foo{{bar}}zap") == key_slot(b"{bar")


async def links(node: Node) -> list[object]:
    return [client for client in await node.client.client_list() if client["name"] == "test"]


async def nothing_but_probes(cluster: Cluster) -> bool:
    for node in cluster.nodes:
        if not all(channel.startswith(b"probe:") for channel in await node.client.pubsub_shardchannels()):
            return False
    return True


async def probes_another_channel(node: Node, than: bytes) -> bool:
    """The node that the slot moved to may be probed on that very channel from now on."""
    channels = await node.client.pubsub_shardchannels("probe:*")
    return len(channels) == 1 and channels != [than]


async def test_a_prefix_stands_before_every_channel_also_where_slots_decide_the_node(cluster: Cluster) -> None:
    slot = key_slot(b"staging:room:1")
    source = await cluster.owner(slot)
    target = next(node for node in cluster.nodes if node is not source)
    async with listening(cluster.url, prefix="staging:", name="a") as here, listening(cluster.url, name="b") as other:
        await here.bus.subscribe(ROOMS)
        await other.bus.subscribe(ROOMS)
        for room in ROOMS:
            owner = await cluster.owner(key_slot(f"staging:{room}".encode()))
            assert await owner.client.execute_command("SPUBLISH", f"staging:{room}", "hello") == 1, room
        await eventually(lambda: {(room.encode(), b"hello") for room in ROOMS} <= set(here.messages))
        assert other.messages == []
        assert here.bus.hears(b"room:1")
        await eventually(lambda: here.bus.proven)

        await cluster.move_slot(slot, source, target)
        await eventually(lambda: any(b"room:1" in restored for restored in here.restored))
