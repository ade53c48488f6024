import asyncio
from pathlib import Path

from shared import keys
from shared.redis import RedisClient, open_redis
from tests.integration.gateway.world import OwnSite, Phone, World
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
