"""Two streams: what one sender has beyond their share waits behind what others send, and is not forgotten."""

from collections.abc import AsyncIterator

import pytest

from pusher import queue
from pusher.queue import PROMPT_FOR_ONE, Queue
from pusher.stream import Entry, Poison, UndeliveredStream
from shared import keys
from shared.ids import new_id
from shared.redis import RedisClient, open_redis
from shared.streams import Undelivered
from shared.undelivered import PROMPT_RECIPIENTS, Overflow, write
from tests.integration.persistence.talk import phones
from tests.integration.pusher.test_trace import full_trace
from tests.integration.pusher.world import PushWorld

CROWD = 900


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[RedisClient]:
    client = open_redis(redis_url, answer_seconds=5.0)
    yield client
    await client.aclose()


def a_queue(redis: RedisClient, consumer: str = "one") -> Queue:
    return Queue(UndeliveredStream(redis, consumer), UndeliveredStream(redis, consumer, bulk=True))


async def told_by(redis: RedisClient, recipients: int) -> None:
    """A sender's message for each of so many people."""
    sender = new_id()
    await write(
        redis, Overflow(), [Undelivered(new_id(), 1, new_id(), sender, [new_id()], 1) for _ in range(recipients)]
    )


def counts(taken: list[Entry | Poison]) -> tuple[int, int]:
    """How many of the first stream, and of the bulk."""
    bulk = sum(one.bulk for one in taken)
    return len(taken) - bulk, bulk


async def take_in_new_streams(redis: RedisClient, some: Queue) -> None:
    """Makes the groups: what is taken of a stream without one is nothing."""
    await some.prompt.create_group()
    await some.bulk.create_group()


async def test_beside_what_others_send_the_bulk_is_one_entry_in_ten(redis: RedisClient) -> None:
    some = a_queue(redis)
    await take_in_new_streams(redis, some)
    await told_by(redis, PROMPT_RECIPIENTS + 200)
    for _ in range(3):
        await told_by(redis, 10)

    taken = await some.take(serves_bulk=True)

    assert counts(taken) == (90, 90 // PROMPT_FOR_ONE)


async def test_entries_that_come_one_by_one_leave_the_bulk_its_tenth(redis: RedisClient) -> None:
    some = a_queue(redis)
    await take_in_new_streams(redis, some)
    await told_by(redis, PROMPT_RECIPIENTS + 200)
    await some.prompt.take(PROMPT_RECIPIENTS, None)

    bulk = 0
    for _ in range(2 * PROMPT_FOR_ONE):
        await told_by(redis, 1)
        bulk += counts(await some.take(serves_bulk=False))[1]

    assert bulk == 2


async def test_while_nothing_else_waits_the_bulk_is_served_and_some_workers_stay_free(
    redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "BLOCK_SECONDS", 0.01)
    some = a_queue(redis)
    await take_in_new_streams(redis, some)
    await told_by(redis, PROMPT_RECIPIENTS + 250)
    await some.prompt.take(PROMPT_RECIPIENTS, None)

    assert counts(await some.take(serves_bulk=False)) == (0, 0)
    hands = [counts(await some.take(serves_bulk=True)) for _ in range(4)]

    assert hands == [(0, 100), (0, 100), (0, 50), (0, 0)], "by hands of a hundred, until nothing is left"


@pytest.mark.parametrize("bulk", [False, True], ids=["the first stream", "the bulk"])
async def test_what_a_dead_pusher_took_of_either_stream_another_takes(
    redis: RedisClient, bulk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, alive = a_queue(redis, "dead"), a_queue(redis, "alive")
    await take_in_new_streams(redis, dead)
    await told_by(redis, PROMPT_RECIPIENTS + 3)
    await dead.prompt.done([one.id for one in await dead.prompt.take(PROMPT_RECIPIENTS - 3, None)])
    held = [*await dead.prompt.take(100, None), *await dead.bulk.take(100, None)]
    assert counts(held) == (3, 3)
    monkeypatch.setattr(queue, "REST_SECONDS", 0.0)
    if bulk:
        await dead.prompt.done([one.id for one in held if not one.bulk])

    found = await alive.take(serves_bulk=True)

    assert [one.id for one in found] == [one.id for one in held if one.bulk is bulk]
    await alive.done([one for one in found if isinstance(one, Entry)])
    assert await redis.xlen(keys.UNDELIVERED_BULK if bulk else keys.UNDELIVERED) == 0


async def test_one_senders_flood_leaves_another_senders_push_ahead_and_is_told_in_the_end(push: PushWorld) -> None:
    mallory, ann = push.person("mallory"), push.person("ann")
    bob, bobs = await push.with_phone("bob")
    crowd = [new_id() for _ in range(CROWD)]
    await phones(push.parley.rest.parts.pool, *crowd)
    body = {"participantIds": crowd, "isGroup": True}
    flood = str((await mallory.post("/api/conversations", body, 201))["conversation"]["id"])
    room = await ann.start(bob)
    await mallory.send(flood, "me first")
    await ann.send(room, "Hello")
    await push.settled()

    async with push.pusher():
        await push.drained(60.0)

    tokens = [one.token for one in push.expo.accepted]
    assert tokens.index(bobs) < CROWD / 2, "behind the sender's share, and the calls that are under way"
    assert sorted(tokens) == sorted([bobs, *(f"ExponentPushToken[{one}]" for one in crowd)])


async def test_a_message_to_many_without_a_device_leaves_no_row_and_the_trace_knows_why(push: PushWorld) -> None:
    ann = push.person("ann")
    crowd = [new_id() for _ in range(200)]
    body = {"participantIds": crowd, "isGroup": True}
    room = str((await ann.post("/api/conversations", body, 201))["conversation"]["id"])

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await push.drained()

    assert await push.parley.rest.parts.pool.fetchval("SELECT count(*) FROM push_decisions") == 0
    recipients = (await full_trace(push, message["id"]))["recipients"]
    assert [one["decision"] for one in recipients] == ["no device"] * len(crowd)
