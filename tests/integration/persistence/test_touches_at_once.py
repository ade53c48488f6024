"""Many who touch the same messages at once: no seq is burnt, no count is wrong, nobody waits for ever."""

import asyncio
import os
import random
from collections.abc import Coroutine
from typing import Any

import orjson

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.log import read
from persistence.messages import deletions, edits, history, pins
from persistence.messages import send as messages
from persistence.messages.views import HistoryPage, Message
from persistence.reactions import store as reactions
from tests.integration.persistence.talk import conversation, draft, people, say

AT_ONCE = int(os.environ.get("TOUCHES_AT_ONCE", "300"))
RULES = edits.EditRules(86_400.0, keep=True)
EMOJIS = "abcdef"


async def union(pool: Pool, room: str) -> list[int]:
    rows = await pool.fetch(
        "SELECT seq FROM messages WHERE conversation_id = $1 UNION ALL"
        " SELECT seq FROM events WHERE conversation_id = $1 ORDER BY seq",
        room,
    )
    return [row["seq"] for row in rows]


def touch(
    dice: random.Random, pool: Pool, room: str, users: list[str], sent: list[Message]
) -> Coroutine[Any, Any, Any]:
    user, message = dice.choice(users), dice.choice(sent)
    match dice.randrange(12):
        case 0 | 1 | 2:
            text = edits.Edit(text=f"text {dice.randrange(3)}")
            return edits.edit(pool, room, message.sender_id, message.id, text, RULES)
        case 3:
            return pins.pin(pool, room, user, message.id, on=dice.random() < 0.7)
        case 4:
            return deletions.hide(pool, room, user, message.id)
        case 5 if dice.random() < 0.1:
            return deletions.delete_for_all(pool, room, message.sender_id, message.id)
        case 6:
            return messages.send(pool, room, [draft(user)])
    return reactions.react(pool, room, user, message.id, dice.choice(EMOJIS), on=dice.random() < 0.6)


async def test_everything_at_once_leaves_no_hole_and_no_wrong_count(pool: Pool) -> None:
    dice = random.Random(7)
    users = await people(pool, 5)
    room = await conversation(pool, *users)
    sent = [message for user in users for message in await say(pool, room, user, 2)]

    turns = asyncio.Semaphore(60)

    async def in_turn(work: Coroutine[Any, Any, Any]) -> None:
        async with turns:
            await work

    await asyncio.gather(*(in_turn(touch(dice, pool, room, users, sent)) for _ in range(AT_ONCE)))

    seqs = await union(pool, room)
    assert seqs == list(range(1, len(seqs) + 1))
    assert await pool.fetchval("SELECT last_seq FROM conversations") == len(seqs)
    shown = await pool.fetch("SELECT seq, reactions, rev, deleted_at, text FROM messages WHERE seq <= 10 ORDER BY seq")
    for row in shown:
        counts = await pool.fetch(
            "SELECT emoji, count(*) AS n FROM reactions WHERE message_seq = $1 GROUP BY emoji", row["seq"]
        )
        told = orjson.loads(row["reactions"] or "[]")
        assert {one["emoji"]: one["count"] for one in told} == {one["emoji"]: one["n"] for one in counts}
        assert row["deleted_at"] is None or (row["text"], told) == ("", [])
    last = await pool.fetch("SELECT m.seq, max(e.seq) AS last FROM messages m JOIN events e USING (conversation_id)"
                            " WHERE e.message_id = m.id GROUP BY m.seq")  # fmt: skip
    assert {row["seq"]: row["last"] for row in last} == {row["seq"]: row["rev"] for row in shown if row["rev"]}
    await _counts_in_frames_are_those_of_their_places(pool, room, len(seqs))


async def _counts_in_frames_are_those_of_their_places(pool: Pool, room: str, head: int) -> None:
    """Whoever adds up who reacts, event by event, has each event's own count."""
    reacting: dict[tuple[str, str], set[str]] = {}
    rows = await pool.fetch(
        "SELECT sender_id, body FROM events WHERE conversation_id = $1 AND kind = 4 ORDER BY seq", room
    )
    for row in rows:
        body = orjson.loads(row["body"])
        who = reacting.setdefault((body["messageId"], body["emoji"]), set())
        assert (str(row["sender_id"]) in who) is not body["on"]
        (who.add if body["on"] else who.discard)(str(row["sender_id"]))
        assert len(who) == body["count"]
    after = 0
    while after < head:
        answer = await read.events(pool, room, after=after, up_to=head)
        assert answer is not None
        after = answer.events[-1].seq


async def test_limits_hold_for_those_who_come_at_once(pool: Pool) -> None:
    users = await people(pool, 4)
    room = await conversation(pool, *users)
    [message] = await say(pool, room, users[0])
    emojis = [chr(ord("a") + number) for number in range(26)]

    each = [reactions.react(pool, room, user, message.id, emoji, on=True) for emoji in emojis for user in users]
    await asyncio.gather(*each)

    rows = await pool.fetch("SELECT user_id, emoji FROM reactions")
    assert len({row["emoji"] for row in rows}) <= reactions.MOST_DISTINCT
    for user in users:
        assert sum(str(row["user_id"]) == user for row in rows) == reactions.MOST_OF_USER


async def test_the_same_at_once_is_one_event(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    [message] = await say(pool, room, ann)

    await asyncio.gather(*(reactions.react(pool, room, bob, message.id, "x", on=True) for _ in range(8)))
    await asyncio.gather(*(edits.edit(pool, room, ann, message.id, edits.Edit(text="y"), RULES) for _ in range(8)))
    await asyncio.gather(*(deletions.delete_for_all(pool, room, ann, message.id) for _ in range(8)))

    assert await union(pool, room) == [1, 2, 3, 4]


async def test_a_purge_among_all_of_it_leaves_nothing(pool: Pool) -> None:
    dice = random.Random(11)
    users = await people(pool, 3)
    room = await conversation(pool, *users)
    sent = await say(pool, room, users[0], 3)
    work = [asyncio.ensure_future(touch(dice, pool, room, users, sent)) for _ in range(60)]
    await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)

    await conversations.purge(pool, [room])
    await asyncio.gather(*work)

    for table in ("messages", "events", "reactions", "message_edits", "hidden_messages", "outbox"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_what_is_deleted_stands_in_no_table(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    words = draft(ann, "SECRETWORD", media_url="https://a.example/SECRETWORD", data='"SECRETWORD"')
    await messages.send(pool, room, [words])
    await edits.edit(pool, room, ann, words.id, edits.Edit(text="SECRETWORD again"), RULES)

    await deletions.delete_for_all(pool, room, ann, words.id)

    tables = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        for row in await pool.fetch(f"SELECT t::text AS t FROM {table['relname']} AS t"):
            assert "SECRETWORD" not in row["t"]
    for row in await pool.fetch("SELECT body FROM events"):
        assert b"SECRETWORD" not in row["body"]
    page = await history.page(pool, bob, room, number=1, limit=10)
    assert isinstance(page, HistoryPage)
    assert [isinstance(message, Message) and message.text for message in page.messages] == [""]
