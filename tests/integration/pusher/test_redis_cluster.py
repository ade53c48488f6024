"""What pushers keep in Redis works alike on a Redis Cluster: all of it lies under one hash tag."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from pusher.bursts import Bursts
from pusher.dead_letters import DeadLetters
from pusher.pace import ExpoPace
from pusher.stream import Entry, UndeliveredStream
from shared import keys
from shared.redis import RedisClient, open_redis
from shared.streams import Undelivered
from shared.undelivered import PROMPT_RECIPIENTS, Overflow, write
from tests.support.redis_cluster import redis_binary, redis_cluster
from tests.unit.pusher.targets import WANTED, target

ENTRY = Undelivered(WANTED.conversation_id, 7, WANTED.message_id, WANTED.sender_id, [WANTED.user_id], 1)


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisClient]:
    async with redis_cluster(redis_binary(), tmp_path) as cluster:
        client = open_redis(cluster.url)
        yield client
        await client.aclose()


async def test_entries_bursts_pace_and_dead_letters(redis: RedisClient) -> None:
    stream, bursts = UndeliveredStream(redis, "one"), Bursts(redis, window_seconds=0.001, epoch=str)
    second = target(message_id="e0000000-0000-4000-8000-000000000002", ordinal=8)

    await stream.create_group()
    await write(redis, Overflow(), [ENTRY, ENTRY])
    first, other = await stream.take(10, None)
    assert isinstance(first, Entry)
    await stream.rest([first.id])
    assert [one.id for one in await stream.claim(10, 0.0)] == [first.id, other.id]
    await stream.bury(first.id, first.raw, "a reason")
    await stream.done([other.id])
    assert await stream.backlog() == (0, 0.0)
    assert await DeadLetters(redis).retry([letter.id for letter in await DeadLetters(redis).all()]) == 1

    assert await bursts.admit([WANTED, second]) == [WANTED]
    await bursts.postpone([WANTED])
    await redis.zadd(keys.BURSTS, {f"{WANTED.conversation_id}:{WANTED.user_id}": 1})
    ended, [burst] = await bursts.due()
    assert (ended, set(burst.held)) == (1, {WANTED.message_id, second.message_id})
    await bursts.settle(burst, burst.held, told=False)
    assert await bursts.due() == (0, [])

    assert (await ExpoPace(redis).reserve(100)).opens_at <= time.monotonic()
    await write(redis, Overflow(), [msgspec.structs.replace(ENTRY, users=[WANTED.user_id] * PROMPT_RECIPIENTS)])
    bulk = UndeliveredStream(redis, "one", bulk=True)
    await bulk.create_group()
    [rest] = await bulk.take(10, None)
    await bulk.done([rest.id])
    assert await bulk.backlog() == (0, 0.0)
    assert msgspec.json.decode(first.raw)["messageId"] == WANTED.message_id
