import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest

from gateway.presence.lease import Lease
from gateway.presence.roster import Held
from gateway.presence.script import hold
from gateway.presence.updates import PresenceUpdates
from services.embedded import EmbeddedRedis
from shared import keys
from shared.clock import now_ms
from shared.redis import REDIS_FAILURES, RedisClient, open_redis
from shared.streams import GatewayStats
from shared.wire import Kind, PresenceChange, pack
from tests.integration.gateway.test_faults import through_a_proxy
from tests.integration.gateway.world import OwnSite, Phone, World, world
from tests.integration.persistence.parts import running
from tests.integration.rest.conftest import Person
from tests.support.servers import kill, restart
from tests.support.waiting import eventually


async def test_coming_and_going_is_told_on_every_gateway_but_not_to_the_own_devices(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    watcher, own_tablet = await one.connect(ann), await two.connect(ben)
    assert (await watcher.next("presence.update"))["isOnline"] is True
    phone = await one.connect(ben)
    for device in (own_tablet, phone):
        await device.leave()
    frame = await watcher.next("presence.update")
    assert (frame["userId"], frame["senderId"], frame["conversationId"]) == (ben.id, ben.id, conversation)
    assert frame["isOnline"] is False
    assert frame["lastSeenAt"].endswith("Z")
    [known] = (await ann.get("/api/presence", userIds=ben.id))["presence"]
    assert known == {"userId": ben.id, "isOnline": False, "lastSeenAt": frame["lastSeenAt"]}
    for device in (own_tablet, phone):
        assert not [frame for frame in device.frames if frame["type"] == "presence.update"]


async def test_a_phone_that_changes_networks_does_not_flap(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    watcher = await one.connect(ann)
    phone = await one.connect(ben)
    await watcher.next("presence.update")
    await phone.leave()
    phone = await two.connect(ben)
    await asyncio.sleep(1.0)  # twice the grace
    assert await watcher.silence() == []
    await phone.leave()
    assert (await watcher.next("presence.update"))["isOnline"] is False


async def test_a_conversation_that_was_made_within_the_grace_hears_that_somebody_left(parley: World) -> None:
    site = await parley.gateway(presence_grace_seconds=1.5)
    ann, ben = parley.person("ann"), parley.person("ben")
    watcher = await site.connect(ann)
    await (await site.connect(ben)).leave()
    conversation = await ann.start(ben)
    await watcher.next("conversation.new")
    assert await are_online(ann, {ben.id: True})
    frame = await watcher.next("presence.update")
    assert (frame["conversationId"], frame["userId"], frame["isOnline"]) == (conversation, ben.id, False)


async def test_the_users_of_a_dead_gateway_are_told_offline(parley: World, tmp_path: Path) -> None:
    survivor = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    watcher = await survivor.connect(ann)
    async with parley.doomed_gateway(tmp_path) as doomed:
        await doomed.connect(ben)
        assert (await watcher.next("presence.update"))["isOnline"] is True
    frame = await watcher.next("presence.update")
    assert (frame["userId"], frame["isOnline"]) == (ben.id, False)

    async def is_forgotten() -> bool:
        redis = open_redis(parley.redis_url)
        left = await redis.zcard(keys.GATEWAYS)
        await redis.aclose()
        return bool(left == 1)

    await eventually(is_forgotten)

    async def is_known() -> bool:
        answer = await ann.get("/api/presence", userIds=ben.id)
        return answer["presence"][0]["lastSeenAt"] is not None

    await eventually(is_known)


async def test_a_redis_that_came_back_empty_is_told_again_who_is_here(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    await site.connect(ben)
    redis: RedisClient = open_redis(parley.redis_url)
    await redis.flushall()

    async def is_back() -> bool:
        answer = await ann.get("/api/presence", userIds=ben.id)
        return bool(answer["presence"][0]["isOnline"])

    await eventually(is_back)
    await redis.aclose()


async def test_what_changed_while_the_redis_link_was_cut_is_told_once_it_is_back(parley: World) -> None:
    async with through_a_proxy(parley.redis_url) as (link, url):
        cut_off, other = await parley.gateway(redis_url=url), await parley.gateway()
        ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
        await ann.start(ben)
        await ann.start(cid)
        watcher = await cut_off.connect(ann)
        leaving = await other.connect(cid)
        assert (await watcher.next("presence.update"))["userId"] == cid.id
        link.refuse()
        link.cut()
        coming = await other.connect(ben)
        await leaving.leave()
        await eventually(lambda: are_online(ann, {ben.id: True, cid.id: False}))
        assert await watcher.silence() == []
        link.heal()
        told = [await watcher.next("presence.update") for _ in range(2)]
        assert {frame["userId"]: frame["isOnline"] for frame in told} == {ben.id: True, cid.id: False}
        assert await watcher.silence() == []
        await coming.leave()
        assert (await watcher.next("presence.update"))["isOnline"] is False


@pytest.mark.parametrize("asked", [False, True])
async def test_a_cut_before_a_new_gateway_knows_where_the_news_stands_loses_nothing(
    parley: World, site: OwnSite, asked: bool
) -> None:
    """Before it has asked, or before it is answered."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    watcher, direct = await site.connect(ann), open_redis(parley.redis_url)
    channel = keys.presence_channel_of(ben.id).encode()
    async with through_a_proxy(parley.redis_url) as (link, url):
        redis = open_redis(url)
        updates = PresenceUpdates(site.gateway._hub, redis, lambda _: False, lambda _: None)
        link.stall()
        updates.on_restored([channel])
        async with running(*([updates.run()] if asked else [])):
            await eventually(lambda: updates._asked.is_set() is not asked)
            updates.on_lost()
            stream = keys.presence_news(keys.presence_shard(ben.id))
            await direct.xadd(stream, {"news": news(ben.id, conversation, is_online=True)})
            updates.on_restored([channel])
            link.heal()
            async with running(*([] if asked else [updates.run()])):
                assert (await watcher.next("presence.update"))["isOnline"] is True
        await redis.aclose()
        await direct.aclose()


async def are_online(asker: Person, expected: dict[str, bool]) -> bool:
    answer = await asker.get("/api/presence", userIds=",".join(expected))
    return {one["userId"]: one["isOnline"] for one in answer["presence"]} == expected


async def test_what_is_read_afterwards_does_not_undo_what_was_heard_since(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    watcher = await site.connect(ann)
    phone = await site.connect(ben)
    assert (await watcher.next("presence.update"))["isOnline"] is True
    redis: RedisClient = open_redis(parley.redis_url)
    channel = keys.presence_channel_of(ben.id)
    missed = await redis.execute_command(
        "XADD",
        keys.presence_news(keys.presence_shard(ben.id)),
        "*",
        "news",
        news(ben.id, conversation, is_online=False),
    )
    later = int(missed.partition(b"-")[0]) + 1
    site.gateway._updates.on_restored([channel.encode()])
    # Before the answer about what was missed can have come.
    site.gateway._hub.on_message(channel.encode(), news(ben.id, conversation, is_online=True, ms=later))
    assert (await watcher.next("presence.update"))["isOnline"] is True
    await eventually(lambda: not site.gateway._updates._missed)
    assert await watcher.silence() == []
    assert phone.frames
    await redis.aclose()


async def test_a_sweep_that_takes_effect_after_its_victim_came_back_is_contradicted(parley: World) -> None:
    """The one who swept was stalled in between: what it had sent to Redis comes minutes late."""
    taken_for_dead, other = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    watcher, phone = await other.connect(ann), await taken_for_dead.connect(ben)
    assert (await watcher.next("presence.update"))["isOnline"] is True
    redis: RedisClient = open_redis(parley.redis_url)
    swept = Held(ben.id, None, [conversation], now_ms())
    await redis.execute_command(*hold(redis.named, taken_for_dead.gateway.incarnation, swept, [], ""))
    await redis.aclose()
    told = [(await watcher.next("presence.update"))["isOnline"] for _ in range(2)]
    assert told == [False, True]
    assert await are_online(ann, {ben.id: True})
    assert phone.frames


async def test_a_gateway_that_lets_somebody_go_while_it_takes_their_new_one_for_dead_is_contradicted(
    parley: World, site: OwnSite
) -> None:
    """All leases had lapsed with Redis, and it had read the list of the living before the other one's was renewed."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    watcher, phone = await site.connect(ann), await site.connect(ben)
    assert (await watcher.next("presence.update"))["isOnline"] is True
    redis: RedisClient = open_redis(parley.redis_url)
    for connections in (0, None):
        held = Held(ben.id, connections, [conversation], now_ms())
        await redis.execute_command(*hold(redis.named, "its last one", held, ["its last one"], ""))
    await redis.aclose()
    told = [(await watcher.next("presence.update"))["isOnline"] for _ in range(3)]
    assert told == [True, False, True]
    assert phone.frames


def news(user_id: str, conversation_id: str, *, is_online: bool, ms: int = 0) -> bytes:
    change = PresenceChange(user_id, is_online=is_online, last_seen_at=None, rooms=[conversation_id])
    return pack(Kind.PRESENCE, msgspec.json.encode(change), seq=ms, sender=user_id)


async def test_who_left_while_redis_was_away_and_came_back_empty_is_told_offline(
    database_url: str, own_redis: EmbeddedRedis
) -> None:
    async with world(database_url, own_redis.url) as parley:
        site = await parley.gateway()
        ann, ben = parley.person("ann"), parley.person("ben")
        await ann.start(ben)
        watcher, phone = await site.connect(ann), await site.connect(ben)
        assert (await watcher.next("presence.update"))["isOnline"] is True
        kill(own_redis)
        await phone.leave()
        await asyncio.sleep(1.0)  # twice the grace
        for path in own_redis.directory.rglob("appendonlydir"):
            shutil.rmtree(path)
        await restart(own_redis)
        frame = await watcher.next("presence.update")
        assert (frame["userId"], frame["isOnline"]) == (ben.id, False)


async def test_the_stats_are_those_of_the_fleet(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    phones: list[Phone] = [await one.connect(ann), await two.connect(ben)]

    async def both_are_counted() -> bool:
        async with one.http.get(one.url + "/messages/stats") as response:
            stats = await response.json()
        return bool(stats["totalClients"] == 2 and stats["onlineUsers"] == 2 and stats["totalRooms"] == 2)

    await eventually(both_are_counted)
    assert len(phones) == 2


async def test_without_redis_the_stats_are_the_own_ones_and_say_that_they_are_partial(parley: World) -> None:
    async with through_a_proxy(parley.redis_url) as (link, url):
        one, two = await parley.gateway(redis_url=url), await parley.gateway()
        ann, ben = parley.person("ann"), parley.person("ben")
        phones: list[Phone] = [await one.connect(ann), await two.connect(ben)]

        async def says(clients: int, partial: bool) -> bool:
            async with one.http.get(one.url + "/messages/stats") as response:
                stats = await response.json()
            return bool((stats["totalClients"], stats["partial"]) == (clients, partial))

        await eventually(lambda: says(2, False))
        link.refuse()
        link.cut()
        await eventually(lambda: says(1, True))
        link.heal()
        await eventually(lambda: says(2, False))
        assert len(phones) == 2


async def test_a_lease_that_lapsed_is_noticed_though_the_answer_to_its_renewal_is_lost(redis_url: str) -> None:
    """What came back was a lease that this very renewal had made: all the same others may have swept the gateway."""
    lost: list[bool] = []
    async with through_a_proxy(redis_url) as (proxy, url):
        redis, direct = open_redis(url, answer_seconds=0.5), open_redis(redis_url)
        lease = Lease(redis, "gateway", 2.0, _no_stats, lambda: lost.append(True))
        await lease.renew()
        await eventually(lambda: _is_gone(direct, keys.lease("gateway")))
        proxy.stall("down")
        with pytest.raises(REDIS_FAILURES):
            await lease.renew()
        proxy.heal()
        assert not lost

        await lease.renew()

        assert lost
        await redis.aclose()
        await direct.aclose()


async def _is_gone(redis: RedisClient, key: str) -> bool:
    return not await redis.execute_command("EXISTS", key)


def _no_stats() -> GatewayStats:
    return GatewayStats(connections=0, rooms=0, users=0, started_ms=0, draining=False)
