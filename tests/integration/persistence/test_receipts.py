"""The receipts stream: what gateways report is applied, told to the rooms and acknowledged, whoever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from persistence.database.pool import Pool, open_pool
from persistence.log.delivery import Delivery
from persistence.log.epoch import Epoch
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.receipts.consumer import ReceiptsConsumer
from persistence.receipts.stream import ReceiptsStream
from services.embedded import EmbeddedPostgres, EmbeddedRedis
from shared import keys
from shared.checkpoints import RECEIPTS_APPLIED, NoCheckpoints
from shared.ids import new_id
from shared.redis import RedisClient, open_redis
from shared.streams import Cursor, ReceiptBatch, Seen
from shared.tracing import NoTracing
from shared.wire import Kind
from tests.integration.persistence.parts import HaltAt, Parts, listening, parts, running, soon
from tests.integration.persistence.talk import conversation, people, say
from tests.support.waiting import eventually


@pytest.fixture
async def process(pool: Pool, redis_url: str) -> AsyncIterator[Parts]:
    async with parts(pool, redis_url) as process, process.running("publisher", "receipts"):
        yield process


async def report(redis: RedisClient, *cursors: Cursor, number: int = 1, **fields: Any) -> None:
    batch = ReceiptBatch("g1", number, cursors=list(cursors), **fields)
    await redis.xadd(keys.RECEIPTS, {"batch": msgspec.json.encode(batch)})


async def cursors_of(pool: Pool, room: str, user: str) -> tuple[int, int, int]:
    row = await pool.fetchrow(
        "SELECT delivered_seq, attended_seq, read_seq FROM participants WHERE conversation_id = $1 AND user_id = $2",
        room,
        user,
    )
    assert row is not None
    return tuple(row)


async def is_empty(redis: RedisClient) -> bool:
    return await redis.xlen(keys.RECEIPTS) == 0


async def test_what_a_gateway_reports_is_applied_told_and_acknowledged(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    sent = await say(pool, room, ann, 3)
    async with listening(redis_url, keys.room(room), keys.gateway("g1")) as ear:
        await report(process.redis, Cursor(room, bob, delivered=3, attended=2, read=1), number=7)
        await eventually(lambda: len(ear.of(Kind.APPLIED)) == 1)
        await eventually(lambda: is_empty(process.redis))
    assert await cursors_of(pool, room, bob) == (3, 2, 1)
    assert [envelope.seq for envelope in ear.of(Kind.APPLIED)] == [7]
    told = [(frame["type"], frame["seq"], frame["messageId"]) for frame in ear.frames(Kind.RECEIPT)]
    assert told == [("message.delivered", 3, sent[2].id), ("message.read", 1, sent[0].id)]


async def test_a_report_that_says_nothing_new_is_acknowledged_in_silence(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 3)
    async with listening(redis_url, keys.room(room), keys.gateway("g1")) as ear:
        await report(process.redis, Cursor(room, bob, delivered=3), number=1)
        await eventually(lambda: len(ear.of(Kind.APPLIED)) == 1)
        await report(process.redis, Cursor(room, bob, delivered=2), number=2)
        await eventually(lambda: len(ear.of(Kind.APPLIED)) == 2)
    assert len(ear.of(Kind.RECEIPT)) == 1


async def test_a_report_that_comes_again_is_told_again_as_the_cursor_stands_now(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 3)
    async with listening(redis_url, keys.room(room), keys.gateway("g1")) as ear:
        await report(process.redis, Cursor(room, bob, delivered=3), number=1)
        await eventually(lambda: len(ear.of(Kind.APPLIED)) == 1)
        await report(process.redis, Cursor(room, bob, delivered=2), number=1, again=True)
        await eventually(lambda: len(ear.of(Kind.APPLIED)) == 2)
    assert [frame["seq"] for frame in ear.frames(Kind.RECEIPT)] == [3, 3]


async def test_a_consumer_that_dies_before_it_acknowledges_is_succeeded_by_another(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 2)
    halt = HaltAt(RECEIPTS_APPLIED)
    async with listening(redis_url, keys.room(room), keys.gateway("g1")) as ear:
        async with parts(pool, redis_url, halt) as dying, dying.running("publisher", "receipts"):
            await report(dying.redis, Cursor(room, bob, read=2), number=5)
            await soon(halt.reached.wait())
        assert await cursors_of(pool, room, bob) == (2, 2, 2)
        assert ear.envelopes == []

        async with parts(pool, redis_url) as survivor, survivor.running("publisher", "receipts"):
            await eventually(lambda: len(ear.of(Kind.APPLIED)) == 1)
            await eventually(lambda: is_empty(survivor.redis))
    assert [(frame["type"], frame["seq"]) for frame in ear.frames(Kind.RECEIPT)] == [("message.read", 2)]


async def test_a_receipt_says_what_its_reader_is_called_now(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 1)
    await pool.execute("UPDATE users SET handle = 'robert' WHERE id = $1", bob)
    async with (
        listening(redis_url, keys.room(room), keys.gateway("g1")) as ear,
        parts(pool, redis_url) as one,
        one.running("publisher", "receipts"),
    ):
        await report(one.redis, Cursor(room, bob, read=1), number=1)
        await eventually(lambda: len(ear.of(Kind.RECEIPT)) == 1)
    [frame] = ear.frames(Kind.RECEIPT)
    assert (frame["senderId"], frame["senderHandle"]) == (bob, "robert")


async def test_what_is_poison_is_dropped_and_what_came_with_it_is_applied(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 2)
    for field, value in [("batch", "{"), ("other", "{}"), ("batch", '{"gateway":"g1","number":1,"version":99}')]:
        await process.redis.xadd(keys.RECEIPTS, {field: value})
    await report(process.redis, Cursor("no uuid", bob, read=1), number=1)
    await report(process.redis, Cursor(room, bob, read=2**70), number=2)
    await report(process.redis, seen=[Seen("'; DROP TABLE users; --", 5)], number=3)
    async with listening(redis_url, keys.gateway("g1")) as ear:
        await report(process.redis, Cursor(room, bob, read=1), Cursor(room, new_id(), read=1), number=4)
        await eventually(lambda: len(ear.envelopes) == 1)
    await eventually(lambda: is_empty(process.redis))
    assert await cursors_of(pool, room, bob) == (1, 1, 1)


async def test_when_users_went_offline_is_kept_and_never_goes_back(process: Parts, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    await report(process.redis, seen=[Seen(ann, 2_000), Seen(ann, 5_000), Seen(bob, 1_000), Seen(new_id(), 1_000)])
    await eventually(lambda: is_empty(process.redis))
    await report(process.redis, seen=[Seen(ann, 3_000)])
    await eventually(lambda: is_empty(process.redis))
    seen = await pool.fetch("SELECT extract(epoch FROM last_seen_at)::int AS at FROM users ORDER BY id")
    assert [row["at"] for row in seen] == [5, 1]


async def test_a_flushed_redis_gets_its_group_back(process: Parts, pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    async with listening(redis_url, keys.gateway("g1")) as ear:
        await report(process.redis, number=1)
        await eventually(lambda: len(ear.envelopes) == 1)
        await process.redis.flushall()
        await report(process.redis, Cursor(room, bob, read=1), number=2)
        await eventually(lambda: len(ear.envelopes) == 2)
    assert await cursors_of(pool, room, bob) == (1, 1, 1)


async def test_receipts_wait_for_a_redis_that_is_away(pool: Pool, own_redis: EmbeddedRedis) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    async with parts(pool, own_redis.url) as process, process.running("publisher", "receipts"):
        await own_redis.stop()
        await asyncio.sleep(0)
        await own_redis.start()
        async with listening(own_redis.url, keys.gateway("g1")) as ear:
            await report(process.redis, Cursor(room, bob, read=1))
            await eventually(lambda: len(ear.envelopes) == 1)


async def test_receipts_wait_for_a_postgres_that_is_away(own_postgres: EmbeddedPostgres, redis_url: str) -> None:
    pool = await open_pool(own_postgres.url, size=4)
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    async with (
        parts(pool, redis_url) as process,
        process.running("publisher", "receipts"),
        listening(redis_url, keys.gateway("g1")) as ear,
    ):
        await own_postgres.stop()
        await report(process.redis, Cursor(room, bob, read=1))
        await eventually(lambda: taken(process.redis))
        assert ear.envelopes == []
        await own_postgres.start()
        await eventually(lambda: len(ear.envelopes) == 1)
        await eventually(lambda: is_empty(process.redis))
    assert await cursors_of(pool, room, bob) == (1, 1, 1)
    await pool.close()


async def taken(redis: RedisClient) -> bool:
    pending: Any = await redis.xpending(keys.RECEIPTS, keys.RECEIPTS_GROUP)
    return bool(pending["pending"])


async def test_a_batch_of_another_deployment_on_this_redis_is_applied_by_its_own_persistence_alone(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room, theirs = await conversation(pool, ann, bob), new_id()
    await say(pool, room, ann, 3)
    async with listening(redis_url, keys.gateway("g1")) as ear:
        await report(process.redis, Cursor(room, bob, read=3), number=7, epoch=theirs)
        await eventually(lambda: is_empty(process.redis))
        assert await cursors_of(pool, room, bob) == (0, 0, 0)
        assert ear.of(Kind.APPLIED) == []
        async with _of_another(process, redis_url, theirs):
            await eventually(lambda: len(ear.of(Kind.APPLIED)) == 1)
    assert await cursors_of(pool, room, bob) == (3, 3, 3)
    assert [envelope.seq for envelope in ear.of(Kind.APPLIED)] == [7]


@asynccontextmanager
async def _of_another(process: Parts, redis_url: str, epoch: str) -> AsyncIterator[None]:
    """What another deployment's persistence process reads of what was handed over to it."""
    blocking = open_redis(redis_url, answer_seconds=5)
    stream = ReceiptsStream(blocking, new_id(), lambda: epoch)
    delivery = Delivery(process.publisher, process.settling, Epoch(epoch), NoTracing())
    consumer = ReceiptsConsumer(
        process.pool, stream, delivery, ReceiptAnnouncer(delivery, process.minima), NoCheckpoints()
    )
    async with running(consumer.run()):
        yield
    await blocking.aclose()
