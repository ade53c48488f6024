"""messages.send: durable, once, in one order, each draft answered alone."""

import asyncio
from itertools import pairwise

import asyncpg
import pytest

from persistence.database.pool import Pool, open_pool
from persistence.members.views import NotAMember
from persistence.messages import history
from persistence.messages import send as messages
from persistence.messages.views import HistoryPage, Message, NoSuchReply, Outcome, Repeated, Sent
from shared.ids import new_id
from tests.integration.persistence.talk import conversation, draft, people, say


async def all_messages(pool: Pool, user_id: str, conversation_id: str) -> list[Message]:
    page = await history.after(pool, user_id, conversation_id, seq=0, limit=100_000)
    assert isinstance(page, HistoryPage)
    return [message for message in page.messages if isinstance(message, Message)]


async def head(pool: Pool, conversation_id: str) -> tuple[int, int]:
    row = await pool.fetchrow("SELECT last_seq, last_ordinal FROM conversations WHERE id = $1", conversation_id)
    assert row is not None
    return row["last_seq"], row["last_ordinal"]


async def test_a_message_comes_back_as_it_was_sent_with_the_next_seq(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    [first] = await say(pool, room, ann)
    text = "Grüße 🎉\nzwei"
    wanted = draft(bob, text, client_id="c1", reply_to=first.id, media_url="https://example.org/a.jpg")

    [outcome] = await messages.send(pool, room, [wanted])

    assert isinstance(outcome, Sent)
    sent = outcome.message
    assert (sent.id, sent.seq, sent.text, sent.sender_id, sent.sender_handle) == (wanted.id, 2, text, bob, "user2")
    assert (sent.client_id, sent.reply_to, sent.media_url) == ("c1", first.id, "https://example.org/a.jpg")
    assert (await all_messages(pool, ann, room))[1] == sent


async def test_each_of_a_batch_is_answered_alone(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    room, other = await conversation(pool, ann, bob), await conversation(pool, ann, eve)
    [elsewhere] = await say(pool, other, ann)
    [known] = await messages.send(pool, room, [draft(ann, "first", client_id="c1")])
    assert isinstance(known, Sent)

    outcomes = await messages.send(
        pool,
        room,
        [
            draft(ann, "a"),
            draft(eve, "not hers"),
            draft(ann, "again", client_id="c1"),
            draft(bob, "b", reply_to=elsewhere.id),
            draft(bob, "c", reply_to=known.message.id, client_id="c1"),
        ],
    )

    assert [type(outcome) for outcome in outcomes] == [Sent, NotAMember, Repeated, NoSuchReply, Sent]
    assert isinstance(outcomes[2], Repeated)
    assert outcomes[2].message.id == known.message.id
    assert isinstance(outcomes[4], Sent)
    assert [message.text for message in await all_messages(pool, ann, room)] == ["first", "a", "c"]
    assert await head(pool, room) == (3, 3)


async def test_nobody_sends_into_a_conversation_that_is_not_there(pool: Pool) -> None:
    [ann] = await people(pool, 1)
    assert await messages.send(pool, new_id(), [draft(ann)]) == [NotAMember()]


async def test_a_repeat_tells_how_far_its_message_has_come(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await messages.send(pool, room, [draft(ann, "hello", client_id="c1")])
    await say(pool, room, bob)

    [again] = await messages.send(pool, room, [draft(ann, "hello", client_id="c1")])

    assert isinstance(again, Repeated)
    assert (again.message.seq, again.message.status) == (1, "read")


async def test_sixteen_senders_on_two_pools_make_one_order_without_gaps(pool: Pool, database_url: str) -> None:
    senders = await people(pool, 16)
    room = await conversation(pool, *senders)
    second = await open_pool(database_url, size=8)

    async def talk(mine: Pool, sender: str) -> list[Message]:
        sent: list[Message] = []
        for number in range(12):
            for outcome in await messages.send(mine, room, [draft(sender) for _ in range(1 + number % 3)]):
                assert isinstance(outcome, Sent)
                sent.append(outcome.message)
        return sent

    said = await asyncio.gather(*(talk((pool, second)[n % 2], sender) for n, sender in enumerate(senders)))
    await second.close()

    kept = await all_messages(pool, senders[0], room)
    assert [message.seq for message in kept] == list(range(1, 16 * 24 + 1))
    assert await head(pool, room) == (len(kept), len(kept))
    assert all(earlier.created_at <= later.created_at for earlier, later in pairwise(kept))
    for mine in said:
        assert [message.seq for message in mine] == sorted(message.seq for message in mine)
    assert {message.id: message.seq for message in kept} == {m.id: m.seq for mine in said for m in mine}


async def test_concurrent_duplicates_across_batches_are_sent_once(pool: Pool, database_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    second = await open_pool(database_url, size=8)

    async def insist(mine: Pool, turn: int) -> list[Outcome]:
        batch = [draft(sender, client_id=f"c{turn}") for sender in (ann, bob)]
        return await messages.send(mine, room, [*batch, draft(ann, client_id=f"lone{turn}")])

    turns = [turn for turn in range(15) for _ in range(4)]
    answers = await asyncio.gather(*(insist((pool, second)[n % 2], turn) for n, turn in enumerate(turns)))
    await second.close()

    kept = await all_messages(pool, ann, room)
    assert [message.seq for message in kept] == list(range(1, 15 * 3 + 1)), "no seq was burnt by a repeat"
    assert len({(message.sender_id, message.client_id) for message in kept}) == len(kept)
    outcomes = [outcome for answer in answers for outcome in answer]
    assert sum(isinstance(outcome, Sent) for outcome in outcomes) == len(kept)
    ids = {message.id for message in kept}
    assert all(isinstance(outcome, Sent | Repeated) and outcome.message.id in ids for outcome in outcomes)


async def test_the_clock_of_a_conversation_never_goes_back(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await pool.execute("UPDATE conversations SET updated_at = date_trunc('milliseconds', now()) + interval '1 hour'")
    ahead = await pool.fetchval("SELECT updated_at FROM conversations WHERE id = $1", room)

    await say(pool, room, ann, 2)

    assert [row["created_at"] for row in await pool.fetch("SELECT created_at FROM messages")] == [ahead, ahead]


async def test_sending_moves_the_senders_own_cursors_and_notes_the_event(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)

    await messages.send(pool, room, [draft(ann), draft(bob), draft(ann)])

    cursors = await pool.fetch(
        "SELECT delivered_seq, attended_seq, read_seq, read_ordinal FROM participants ORDER BY user_id"
    )
    assert [tuple(row) for row in cursors] == [(3, 3, 3, 3), (2, 2, 2, 2)]
    noted = await pool.fetch("SELECT conversation_id, seq FROM outbox ORDER BY seq")
    assert [tuple(row) for row in noted] == [(room, 1), (room, 2), (room, 3)]


async def test_who_left_cannot_send(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await pool.execute("UPDATE participants SET left_at = now() WHERE user_id = $1", bob)
    assert await messages.send(pool, room, [draft(bob)]) == [NotAMember()]


async def test_a_statement_that_fails_leaves_nothing(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    [sent] = await say(pool, room, ann)

    with pytest.raises(asyncpg.UniqueViolationError):
        await messages.send(pool, room, [draft(ann), draft(bob)._replace(id=sent.id)])

    assert await head(pool, room) == (1, 1)
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1
