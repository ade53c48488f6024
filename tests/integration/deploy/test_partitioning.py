"""deploy/postgres/partitioning: from one table of messages to many, beside a running fleet."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from persistence.database.migrate import migrate
from persistence.conversations import store as conversations
from persistence.messages import history, send as messages
from persistence.database.pool import Pool, open_pool
from persistence.messages.views import HistoryPage, Message, Repeated, Sent
from tests.integration.deploy.files import DEPLOY
from tests.integration.persistence.talk import conversation, draft, people, say
from tests.support.notes import note

STEPS = DEPLOY / "postgres/partitioning"
PREPARE, COPY, SWAP, UNDO = "1-prepare.sql", "2-copy.sql", "3-swap.sql", "undo.sql"
SMALL_BATCHES = tuple(f"CALL copy_{table}(batch => 7, pause_seconds => 0.005)" for table in ("messages", "events"))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=10)
    yield pool
    await pool.close()


async def step(database_url: str, name: str) -> None:
    """As psql would: on a connection of its own."""
    await statement(database_url, (STEPS / name).read_text())


async def statement(database_url: str, sql: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def partition(database_url: str) -> None:
    for name in (PREPARE, COPY, SWAP):
        await step(database_url, name)


async def all_messages(pool: Pool, user_id: str, conversation_id: str) -> list[Message]:
    page = await history.after(pool, user_id, conversation_id, seq=0, limit=10_000)
    assert isinstance(page, HistoryPage)
    return [message for message in page.messages if isinstance(message, Message)]


async def used_partitions(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(DISTINCT tableoid) FROM messages"))


async def test_nothing_is_lost_or_changed_while_messages_move(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    rooms = [await conversation(pool, ann, bob, bounty_id=str(number)) for number in range(8)]
    said = {room: [message.id for message in await say(pool, room, ann, number=12)] for room in rooms}
    await step(database_url, PREPARE)

    async def go_on_talking(room: str) -> None:
        for _ in range(15):
            said[room] += [message.id for message in await say(pool, room, bob)]

    async def edit_and_delete(room: str) -> None:
        edit = "UPDATE messages SET text = 'edited', updated_at = now() WHERE conversation_id = $1 AND seq = $2"
        for seq in range(1, 7):
            await pool.execute(edit, room, seq)
        await pool.execute("DELETE FROM messages WHERE conversation_id = $1 AND seq = 7", room)
        said[room].pop(6)

    async with asyncio.TaskGroup() as live:
        for batches in SMALL_BATCHES:
            live.create_task(statement(database_url, batches))
        for room in rooms:
            live.create_task(go_on_talking(room))
        live.create_task(edit_and_delete(rooms[0]))
    await step(database_url, SWAP)

    for room in rooms:
        assert [message.id for message in await all_messages(pool, ann, room)] == said[room]
    assert [message.text for message in await all_messages(pool, ann, rooms[0])][:7].count("edited") == 6
    assert await used_partitions(pool) > 1


async def test_no_event_is_lost_while_the_rest_of_the_log_moves(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    rooms = [await conversation(pool, ann, bob, bounty_id=str(number)) for number in range(8)]
    noted = {room: [await note(pool, room, ann) for _ in range(12)] for room in rooms}
    await step(database_url, PREPARE)

    async def go_on_noting(room: str) -> None:
        for _ in range(10):
            await say(pool, room, bob)
            noted[room].append(await note(pool, room, bob))

    async with asyncio.TaskGroup() as live:
        for batches in SMALL_BATCHES:
            live.create_task(statement(database_url, batches))
        for room in rooms:
            live.create_task(go_on_noting(room))
    await conversations.purge(pool, rooms[:1])
    await step(database_url, SWAP)

    for room in rooms[1:]:
        noted[room].append(await note(pool, room, ann))
        stored = await pool.fetch("SELECT seq, body FROM events WHERE conversation_id = $1 ORDER BY seq", room)
        assert [tuple(row) for row in stored] == [(event.seq, event.body) for event in noted[room]]
    assert await pool.fetchval("SELECT count(*) FROM events WHERE conversation_id = $1", rooms[0]) == 0
    assert await pool.fetchval("SELECT count(DISTINCT tableoid) FROM events") > 1


async def test_events_do_not_change_places_before_all_are_copied(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    await note(pool, await conversation(pool, ann, bob), ann)
    await step(database_url, PREPARE)

    with pytest.raises(asyncpg.RaiseError, match=r"events_partitioned lacks rows"):
        await step(database_url, SWAP)


async def test_sending_keeps_its_promises_on_partitions(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    [first] = await say(pool, room, ann)
    await partition(database_url)

    [reply] = await messages.send(pool, room, [draft(bob, "yes", client_id="c1", reply_to=first.id)])
    [again] = await messages.send(pool, room, [draft(bob, "yes", client_id="c1")])

    assert isinstance(reply, Sent)
    assert isinstance(again, Repeated)
    assert (reply.message.seq, again.message.id) == (2, reply.message.id)


async def test_the_same_message_sent_many_times_at_once_is_one_on_partitions_too(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await partition(database_url)

    for number in range(5):
        sends = [messages.send(pool, room, [draft(ann, "hello", client_id=f"c{number}")]) for _ in range(8)]
        outcomes = [outcome for [outcome] in await asyncio.gather(*sends)]
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Repeated"] * 7 + ["Sent"]

    assert [message.seq for message in await all_messages(pool, bob, room)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("table", ["messages", "events"])
async def test_a_conversation_is_read_from_its_own_partition_alone(table: str, database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await partition(database_url)

    plan = await pool.fetch(f"EXPLAIN SELECT * FROM {table} WHERE conversation_id = '{room}' AND seq > 3")

    assert len({word for row in plan for word in row[0].split() if word.startswith(f"{table}_")}) <= 2
    assert not any("Append" in row[0] for row in plan)


async def test_the_tables_do_not_change_places_before_all_is_copied(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    before = await say(pool, room, ann, number=3)
    await step(database_url, PREPARE)

    with pytest.raises(asyncpg.RaiseError, match=r"run 2-copy\.sql to its end"):
        await step(database_url, SWAP)

    assert await pool.fetchval("SELECT relkind FROM pg_class WHERE relname = 'messages'") == b"r"
    assert [message.id for message in await all_messages(pool, bob, room)] == [message.id for message in before]


async def test_a_half_done_move_can_be_taken_back(database_url: str, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    await step(database_url, PREPARE)
    await statement(database_url, "CALL copy_messages(1, 0)")

    await step(database_url, UNDO)

    await say(pool, room, bob)
    assert len(await all_messages(pool, ann, room)) == 2
    await partition(database_url)
    assert len(await all_messages(pool, ann, room)) == 2


async def test_migrations_find_nothing_to_do_after_it_and_names_are_as_before(database_url: str, pool: Pool) -> None:
    names = """
        SELECT conname AS name FROM pg_constraint
        WHERE conrelid IN ('messages'::regclass, 'events'::regclass) AND contype IN ('p', 'u')
        UNION ALL SELECT indexname FROM pg_indexes WHERE tablename IN ('messages', 'events') ORDER BY 1
    """
    before = await pool.fetch(names)
    await partition(database_url)

    assert await migrate(database_url) == []
    assert await pool.fetch(names) == before
    unprotected = """
        SELECT relname FROM pg_class
        WHERE relname ~ '^(messages|events)' AND relkind IN ('r', 'p') AND NOT relrowsecurity
    """
    assert await pool.fetch(unprotected) == []
