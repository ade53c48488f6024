import time

from services.embedded import EmbeddedRedis
from shared import keys
from shared.ids import new_id
from shared.redis import RedisClient
from tests.integration.rest.conftest import Person, Rest, serving
from tests.support.servers import paused


async def put_online(redis: RedisClient, user_id: str) -> None:
    stats = b'{"connections":1,"rooms":1,"users":1,"startedMs":1}'
    await redis.set(keys.lease("gateway-1"), stats)
    await redis.zadd(keys.GATEWAYS, {"gateway-1": time.time() * 1000 + 60_000})
    await redis.hset(keys.presence(user_id), "gateway-1", "1")


async def ask(who: Person, *others: str) -> list[dict[str, object]]:
    return list((await who.get("/api/presence", userIds=",".join(others)))["presence"])


async def test_presence_is_told_of_people_who_share_a_conversation_and_of_nobody_else(rest: Rest) -> None:
    ann, bob, eve = rest.person("ann"), rest.person("bob"), rest.person("eve")
    await ann.start(bob)
    await eve.get("/api/conversations")
    await put_online(rest.parts.redis, bob.id)

    assert await ask(ann, bob.id.upper(), eve.id, new_id()) == [
        {"userId": bob.id, "isOnline": True, "lastSeenAt": None}
    ]
    assert await ask(eve, ann.id, bob.id) == []
    assert await ask(ann) == []


async def test_whoever_just_left_was_seen_then_though_postgres_does_not_know_it_yet(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    await ann.start(bob)
    await rest.parts.redis.set(keys.left_at(bob.id, rest.parts.epoch), 1_800_000_000_123)

    assert await ask(ann, bob.id) == [{"userId": bob.id, "isOnline": False, "lastSeenAt": "2027-01-15T08:00:00.123Z"}]


async def test_presence_names_its_field_when_it_is_missing_or_malformed(rest: Rest) -> None:
    ann = rest.person("ann")

    for query in ({}, {"userIds": "nobody"}, {"userIds": ",".join(new_id() for _ in range(201))}):
        assert (await ann.get("/api/presence", 400, **query))["field"] == "userIds"


async def test_a_frozen_redis_makes_presence_unknown_and_costs_neither_it_nor_a_send_a_second(
    database_url: str, own_redis: EmbeddedRedis
) -> None:
    async with serving(database_url, own_redis.url) as rest:
        ann, bob = rest.person("ann"), rest.person("bob")
        conversation = await ann.start(bob)
        with paused(own_redis):
            started = time.monotonic()
            told = await ann.get("/api/presence", userIds=bob.id)
            await ann.send(conversation, "still")
            waited = time.monotonic() - started

    assert told == {"presence": [], "unknown": [bob.id]}
    assert waited < 1.5  # redis-py alone would wait two seconds for each
