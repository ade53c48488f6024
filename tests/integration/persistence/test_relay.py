"""The outbox: whatever step a process dies at, its events are published and its rows are gone in the end."""

import asyncio
from typing import Any

import msgspec
import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.log.relay import AGE_SECONDS, PENDING, Relay
from persistence.messages import send as messages
from services.embedded import EmbeddedRedis
from shared import keys, wire
from shared.checkpoints import COMMITTED, PUBLISHED
from shared.redis import open_redis
from shared.streams import Deadline, Undelivered
from shared.wire import Kind
from tests.integration.persistence.parts import HaltAt, listening, parts, soon
from tests.integration.persistence.talk import conversation, draft, people, phones, say
from tests.support.servers import paused, restart
from tests.support.waiting import eventually


async def pending(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM user_outbox)"))


async def grow_old(pool: Pool) -> None:
    """As if all that waits had waited long enough for a relay."""
    await pool.execute("UPDATE outbox SET created_at = created_at - interval '1 minute'")
    await pool.execute("UPDATE user_outbox SET created_at = created_at - interval '1 minute'")


async def sweep_until_empty(pool: Pool, *relays: Relay) -> None:
    async def swept() -> bool:
        await asyncio.gather(*(relay.sweep() for relay in relays))
        return await pending(pool) == 0

    await eventually(swept)


@pytest.mark.parametrize("step", [COMMITTED, PUBLISHED])
async def test_a_process_that_dies_between_two_steps_loses_no_event(step: str, pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    await phones(pool, ann, bob)
    room = await conversation(pool, ann, bob)
    halt = HaltAt(step)
    async with listening(redis_url, keys.room(room)) as ear:
        async with (
            parts(pool, redis_url, halt) as dying,
            dying.running("publisher", "settling", "queue"),
        ):
            request = asyncio.create_task(dying.queue.send(room, draft(ann, "survives")))
            await soon(halt.reached.wait())
        request.cancel()
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 1

        async with parts(pool, redis_url) as survivor, survivor.running("publisher"):
            await sweep_until_empty(pool, survivor.relay)
            await eventually(lambda: len(ear.envelopes) == (1 if step == COMMITTED else 2))
            entries = await survivor.redis.xlen(keys.UNDELIVERED)

    assert {envelope.frame for envelope in ear.envelopes} == {ear.envelopes[0].frame}
    assert ear.frames(Kind.DURABLE)[0]["text"] == "survives"
    assert entries == (1 if step == COMMITTED else 2), "an event is undelivered once more where a process died"


async def test_a_relay_that_dies_gives_its_rows_back(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 5)
    await grow_old(pool)
    halt = HaltAt(PUBLISHED)
    async with parts(pool, redis_url, halt) as dying, dying.running("publisher"):
        sweep = asyncio.create_task(dying.relay.sweep())
        await soon(halt.reached.wait())
        async with parts(pool, redis_url) as other, other.running("publisher"):
            assert await other.relay.sweep() == 0, "what one relay holds is not another's"
        sweep.cancel()
        await asyncio.wait([sweep])
    async with parts(pool, redis_url) as survivor, survivor.running("publisher"):
        assert await survivor.relay.sweep() == 5
    assert await pending(pool) == 0


async def test_two_relays_share_a_backlog_and_each_event_is_published_in_order(pool: Pool, redis_url: str) -> None:
    everyone = await people(pool, 8)
    rooms = [await conversation(pool, everyone[0], other) for other in everyone[1:]]
    await asyncio.gather(*(say(pool, room, everyone[0], 100) for room in rooms))
    await grow_old(pool)
    async with (
        listening(redis_url, *map(keys.room, rooms)) as ear,
        parts(pool, redis_url) as one,
        parts(pool, redis_url) as two,
        one.running("publisher"),
        two.running("publisher"),
    ):
        await sweep_until_empty(pool, one.relay, two.relay)
        await eventually(lambda: len(ear.envelopes) == 700)
    heard = [(frame["conversationId"], frame["seq"]) for frame in ear.frames(Kind.DURABLE)]
    assert sorted(heard) == sorted((room, seq) for room in rooms for seq in range(1, 101))


async def test_a_backlog_is_relayed_also_where_postgres_believes_its_outbox_empty(pool: Pool, redis_url: str) -> None:
    """As after any quiet hour: vacuumed when nothing waited."""
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    for table in ("outbox", "user_outbox"):
        await pool.execute(f"DELETE FROM {table}")
        await pool.execute(f"VACUUM (ANALYZE, TRUNCATE off) {table}")
    for _ in range(3):
        await messages.send(pool, room, [draft(ann) for _ in range(500)])
    await pool.execute(
        "INSERT INTO user_outbox SELECT $1, v, $2, $3, now() FROM generate_series(1, 1500) AS v", bob, Kind.LEFT, room
    )
    await grow_old(pool)

    async with parts(pool, redis_url) as process, process.running("publisher"):
        assert await process.relay.sweep() == 3000
    assert await pending(pool) == 0


async def test_fresh_rows_are_left_to_the_fast_path(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await pool.execute("UPDATE outbox SET created_at = now() + interval '1 minute'")
    await pool.execute("DELETE FROM user_outbox")
    async with parts(pool, redis_url) as process, process.running("publisher"):
        assert await process.relay.sweep() == 0
    assert await pending(pool) == 1


async def test_a_fast_path_does_not_wait_for_rows_that_a_relay_holds(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await grow_old(pool)
    halt = HaltAt(PUBLISHED)
    async with (
        parts(pool, redis_url, halt) as slow,
        slow.running("publisher"),
        parts(pool, redis_url) as fast,
        fast.running("publisher", "settling", "queue"),
    ):
        sweep = asyncio.create_task(slow.relay.sweep())
        await soon(halt.reached.wait())
        await soon(fast.queue.send(room, draft(bob)))
        await eventually(lambda: one_row_left(pool))
        sweep.cancel()
        await asyncio.wait([sweep])


async def one_row_left(pool: Pool) -> bool:
    return bool(await pool.fetchval("SELECT count(*) = 1 AND min(seq) = 1 FROM outbox"))


async def test_memberships_that_nobody_was_told_of_are_relayed_in_the_order_of_their_versions(
    pool: Pool, redis_url: str
) -> None:
    [ann, bob, cid] = await people(pool, 3)
    kept = await conversation(pool, ann, bob)
    purged = await conversation(pool, ann, cid)
    await say(pool, kept, bob)
    await conversations.hide(pool, ann, kept)
    await conversations.purge(pool, [purged])
    await grow_old(pool)
    async with (
        listening(redis_url, keys.user(ann)) as anns,
        listening(redis_url, keys.user(bob)) as bobs,
        parts(pool, redis_url) as process,
        process.running("publisher"),
    ):
        await sweep_until_empty(pool, process.relay)
        await eventually(lambda: len(anns.envelopes) == 4 and len(bobs.envelopes) == 1)

    told = [(e.kind, msgspec.json.decode(e.frame, type=wire.Membership).conversation_id) for e in anns.envelopes]
    assert [envelope.seq for envelope in anns.envelopes] == [1, 2, 3, 4]
    # The second was joined and gone before anybody was told: still no version is missing.
    assert told == [(Kind.JOINED, kept), (Kind.LEFT, purged), (Kind.HIDDEN, kept), (Kind.LEFT, purged)]
    assert msgspec.json.decode(anns.envelopes[2].frame, type=wire.Membership).hidden_seq == 1
    membership = msgspec.json.decode(bobs.envelopes[0].frame, type=wire.Membership)
    assert bytes(membership.conversation) == msgspec.json.encode(
        (await conversations.view(pool, [(bob, kept)]))[bob, kept]
    )


async def test_events_of_a_purged_conversation_leave_the_outbox_unpublished(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await conversations.purge(pool, [room])
    await pool.execute("DELETE FROM user_outbox")
    await pool.execute("INSERT INTO outbox (conversation_id, seq, created_at) VALUES ($1, 1, now())", room)
    await grow_old(pool)
    async with (
        listening(redis_url, keys.room(room)) as ear,
        parts(pool, redis_url) as process,
        process.running("publisher"),
    ):
        await sweep_until_empty(pool, process.relay)
    assert ear.envelopes == []


async def test_what_was_sent_while_redis_was_away_arrives_when_it_is_back(pool: Pool, own_redis: EmbeddedRedis) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    async with parts(pool, own_redis.url) as process, process.running():
        await own_redis.stop()
        for _ in range(3):
            await soon(process.queue.send(room, draft(ann)))
        assert await process.relay.sweep() == 0
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 3
        await own_redis.start()
        async with listening(own_redis.url, keys.room(room)) as ear:
            await sweep_until_empty(pool, process.relay)
            await eventually(lambda: set(ear.seqs()) == {1, 2, 3})


async def test_a_redis_that_is_frozen_delays_nobodys_send(pool: Pool, own_redis: EmbeddedRedis) -> None:
    [ann, bob] = await people(pool, 2)
    await phones(pool, ann, bob)
    room = await conversation(pool, ann, bob)
    async with parts(pool, own_redis.url) as process, process.running():
        await process.queue.send(room, draft(ann))
        with paused(own_redis):
            async with asyncio.timeout(1.5):
                for _ in range(20):
                    await process.queue.send(room, draft(ann))
        await sweep_until_empty(pool, process.relay)
        entries: Any = await process.redis.xrange(keys.UNDELIVERED)
    seqs = {msgspec.json.decode(fields[b"message"], type=Undelivered).seq for _, fields in entries}
    assert seqs == set(range(1, 22))


async def test_a_redis_that_comes_back_empty_gets_its_push_state_again(pool: Pool, own_redis: EmbeddedRedis) -> None:
    [ann, bob] = await people(pool, 2)
    await phones(pool, ann, bob)
    room = await conversation(pool, ann, bob)
    quiet = await conversation(pool, bob, ann, bounty_id="b1")
    async with parts(pool, own_redis.url) as process, process.running():
        assert await process.marker.check() == 0
        await say(pool, room, ann, 2)
        await say(pool, quiet, ann)
        await say(pool, quiet, bob)
        await pool.execute("UPDATE participants SET read_seq = 2 WHERE conversation_id = $1", quiet)
        assert await process.marker.check() == 0, "the marker stands"

        await own_redis.stop()
        for file in own_redis.directory.joinpath("data").rglob("*"):
            file.unlink() if file.is_file() else None
        await restart(own_redis)

        async def checked() -> bool:
            return await process.marker.check() == 2

        await eventually(checked)
        members = await process.redis.zrange(keys.DEADLINES, 0, -1)
        assert await process.marker.check() == 0
    found = [msgspec.json.decode(member, type=Deadline) for member in members]  # type: ignore[arg-type]
    assert sorted((one.conversation_id, one.seq) for one in found) == [(room, 1), (room, 2)]


async def test_a_redis_that_was_started_again_may_have_lost_the_last_it_was_told(
    pool: Pool, own_redis: EmbeddedRedis
) -> None:
    """Its marker came back with it, and what was written after its last save did not."""
    [ann, bob] = await people(pool, 2)
    await phones(pool, ann, bob)
    room = await conversation(pool, ann, bob)
    async with parts(pool, own_redis.url) as process, process.running():
        assert await process.marker.check() == 0
        await say(pool, room, ann, 2)
        await restart(own_redis)

        async def checked() -> bool:
            return await process.marker.check() == 2

        await eventually(checked)
        assert await process.redis.zcard(keys.DEADLINES) == 2
        assert await process.marker.check() == 0


async def test_deadlines_that_are_set_twice_are_one_and_keep_their_time(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    await phones(pool, ann, bob)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    async with parts(pool, redis_url) as process, process.running("publisher"):
        await process.marker.check()
        before = await process.redis.zrange(keys.DEADLINES, 0, -1, withscores=True)
        await process.redis.delete(keys.of_epoch(keys.PUSH_MARKER, process.epoch))
        assert await process.marker.check() == 1
        assert await process.redis.zrange(keys.DEADLINES, 0, -1, withscores=True) == before


async def test_the_backlog_is_measured(pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 3)
    await pool.execute("UPDATE outbox SET created_at = now() - interval '7 seconds' WHERE seq = 2")
    async with parts(pool, redis_url) as process:
        await process.relay.sample()
    assert PENDING._value.get() == 5
    assert 7 <= AGE_SECONDS._value.get() < 60


async def test_a_connection_to_redis_is_not_needed_to_start(pool: Pool) -> None:
    client = open_redis("redis://127.0.0.1:1/0")
    async with parts(pool, "redis://127.0.0.1:1/0") as process, process.running():
        assert await process.relay.sweep() == 0
    await client.aclose()
