"""The log holds what is no message beside messages, and forgets nothing that it cannot read."""

import asyncio

import asyncpg
import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool, transaction
from persistence.log import outbox, read
from persistence.log.append import MOST_BODY_BYTES, NoConversation, append
from persistence.sync import sync
from shared import keys
from shared.ids import new_id
from tests.integration.persistence.parts import listening, parts
from tests.integration.persistence.talk import conversation, people, say
from tests.integration.persistence.test_relay import grow_old
from tests.support.notes import NOTE, Note, note
from tests.support.waiting import eventually


async def test_an_event_takes_the_next_seq_and_counts_nowhere(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    before = await pool.fetchval("SELECT updated_at FROM conversations")

    logged = await note(pool, room, ann)
    assert await pool.fetchval("SELECT updated_at FROM conversations") == before
    [after] = await say(pool, room, ann)

    assert (logged.seq, after.seq) == (2, 3)
    assert logged.frame().startswith(b'{"type":"test.note","timestamp":"')
    assert logged.frame().endswith(f'"seq":2,"senderId":"{ann}","words":"noted"}}'.encode())
    assert await pool.fetchval("SELECT last_ordinal FROM conversations") == 2
    assert (await conversations.view(pool, [(bob, room)]))[bob, room].unread_count == 2


async def test_an_event_and_many_sends_at_once_leave_no_hole(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)

    await asyncio.gather(*(note(pool, room, ann) for _ in range(8)), *(say(pool, room, bob, 4) for _ in range(4)))

    union = "SELECT seq FROM messages UNION ALL SELECT seq FROM events ORDER BY seq"
    assert [row["seq"] for row in await pool.fetch(union)] == list(range(1, 25))
    assert await pool.fetchval("SELECT last_ordinal FROM conversations") == 16


async def test_a_transaction_that_fails_takes_the_seq_back(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)

    async def fail() -> None:
        async with transaction(pool) as connection:
            await append(connection, room, ann, NOTE, Note("lost"))
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await fail()

    assert (await note(pool, room, ann)).seq == 1


async def test_nothing_is_appended_to_a_purged_conversation_and_no_body_without_bound(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    with pytest.raises(NoConversation):
        await note(pool, new_id(), ann)
    with pytest.raises(ValueError, match="bytes"):
        await note(pool, room, ann, "x" * MOST_BODY_BYTES)

    await note(pool, room, ann)
    await conversations.purge(pool, [room])

    assert await pool.fetchval("SELECT count(*) FROM events") == 0


async def test_what_a_release_does_not_know_stays_in_its_outbox_and_holds_up_nothing(
    pool: Pool, redis_url: str
) -> None:
    """A later release wrote it: its own relay publishes it."""
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await note(pool, room, ann)
    await say(pool, room, ann)
    await grow_old(pool)
    async with (
        listening(redis_url, keys.room(room)) as ear,
        parts(pool, redis_url) as process,
        process.running("publisher"),
    ):
        await process.relay.sweep()
        await eventually(lambda: ear.seqs() == [1, 3])
        assert await process.relay.sweep() == 0

    assert [row["seq"] for row in await pool.fetch("SELECT seq FROM outbox")] == [2]
    assert (await outbox.backlog(pool)).stuck == 1
    assert await read.by_seq(pool, [(room, 2)], {}) == read.Found([], [])


async def test_what_a_release_does_not_know_is_never_passed_over_as_if_it_were_nothing(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await note(pool, room, ann)
    await say(pool, room, ann)

    found = await read.events(pool, room, after=0, up_to=3)
    synced = (await sync.sync(pool, bob, {room: 0})).conversations[room]

    assert found is not None
    assert ([event.seq for event in found.events], found.complete) == ([1], False)
    assert (synced.last_seq, synced.complete) == (1, False)
