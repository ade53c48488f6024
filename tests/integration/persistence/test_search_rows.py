"""What can be found is what messages say now: filled in late, again, by batches; gone with what they said."""

import asyncio

from persistence.conversations import store as conversations
from persistence.database.pool import Pool, transaction
from persistence.log.logged import Logged
from persistence.messages import deletions, edits
from persistence.messages import send as messages
from persistence.messages.views import Message, Sent
from persistence.search import filling, rows
from persistence.search.store import Asked, search
from persistence.search.views import Results
from persistence.search.wanted import read
from shared.events.message_edited import MESSAGE_EDITED
from shared.events.message_new import MESSAGE_NEW
from tests.integration.persistence.talk import conversation, draft, people
from tests.support.waiting import eventually

RULES = edits.EditRules(86_400.0, keep=True)


async def say(pool: Pool, room: str, user: str, text: str, **fields: object) -> Message:
    [sent] = await messages.send(pool, room, [draft(user, text, **fields)])
    assert isinstance(sent, Sent)
    return sent.message


def told(message: Message) -> Logged:
    """As a follower hears of it."""
    return Logged(message.conversation_id, message.seq, MESSAGE_NEW, message.sender_id, "", b"", message.id)


async def found(pool: Pool, user: str, words: str) -> list[str]:
    results = await search(pool, user, read(words), Asked())
    assert isinstance(results, Results)
    return [one.message.text for one in results.results]


async def bodies(pool: Pool) -> list[str]:
    return [row["body"] for row in await pool.fetch("SELECT body FROM search ORDER BY conversation_id, seq")]


async def test_a_follower_told_late_and_again_writes_what_the_message_says_now(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    first, second = await say(pool, room, ann, "The old word"), await say(pool, room, ann, "Deleted word")
    await rows.follow(pool, [told(first), told(second)])
    assert await bodies(pool) == ["the old word", "deleted word"]

    await edits.edit(pool, room, ann, first.id, edits.Edit(text="The new word"), RULES)
    await deletions.delete_for_all(pool, room, ann, second.id)
    assert await bodies(pool) == []
    for _ in range(2):
        await rows.follow(pool, [told(second), told(first), told(first)._replace(kind=MESSAGE_EDITED)])

    assert await bodies(pool) == ["the new word"]
    assert await found(pool, bob, "word") == ["The new word"]


async def test_a_follower_waits_for_a_deletion_that_is_under_way_and_then_writes_nothing(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    message = await say(pool, room, ann, "secret")

    async with transaction(pool) as connection:
        await connection.execute("UPDATE messages SET deleted_at = now(), text = ''")
        following = asyncio.create_task(rows.follow(pool, [told(message)]))
        waits = (
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        await eventually(lambda: pool.fetchval(waits))
    await following

    assert await bodies(pool) == []


async def test_an_older_release_that_edits_without_a_word_to_the_search_gives_nothing_old_away(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    message = await say(pool, room, ann, "the old word")
    await rows.follow(pool, [told(message)])

    await pool.execute("UPDATE messages SET text = 'something else'")

    assert await found(pool, bob, "word") == []


async def test_older_messages_are_filled_in_by_batches_and_a_second_run_changes_nothing(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    rooms = [await conversation(pool, ann, bob, bounty_id=str(number)) for number in range(3)]
    for number, room in enumerate(rooms):
        for each in range(5):
            await say(pool, room, ann, f"Word {number} {each}", opaque=each == 4)
    gone = await say(pool, rooms[0], ann, "Word gone")
    await deletions.delete_for_all(pool, rooms[0], ann, gone.id)

    turns = 0
    while await filling.fill(pool, 4):
        turns += 1
        assert (await filling.progress(pool)).messages_read == min(16, 4 * turns)
    assert (await filling.progress(pool)).done_at is not None
    before = await pool.fetch("SELECT xmin, * FROM search ORDER BY conversation_id, seq")
    assert len(before) == 12

    await filling.restart(pool)
    await asyncio.gather(*(filling.fill(pool, 100) for _ in range(3)))
    assert await pool.fetch("SELECT xmin, * FROM search ORDER BY conversation_id, seq") == before
    assert len(await found(pool, bob, "word")) == 12


async def test_a_filler_costs_nothing_once_all_is_filled(pool: Pool) -> None:
    filler = filling.Filler(pool)
    await filler.run()
    await filler.run()
    assert filling.FILLED._value.get() == 1
    await filler.run()


async def test_a_purged_conversation_leaves_nothing_to_find(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await rows.follow(pool, [told(await say(pool, room, ann, "word"))])

    await conversations.purge(pool, [room])

    assert await bodies(pool) == []


async def test_the_rows_cost_little_more_than_the_text(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await pool.execute(
        "INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)"
        " SELECT $1, n, n, now(), now(), gen_random_uuid(), $2,"
        " 'an ordinary message of about so many words as people write ' || n FROM generate_series(1, 20000) n",
        room,
        ann,
    )
    while await filling.fill(pool):
        pass
    sizes = await pool.fetchrow("SELECT pg_table_size('messages') AS text, pg_table_size('search') AS search")
    assert sizes is not None
    assert sizes["search"] <= 1.2 * sizes["text"]
