"""Unread and mentions in lists, sync, badges and over all, against a plain count, whatever happened before."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.marks import store as marks
from persistence.messages import deletions
from persistence.messages import send as messages
from persistence.messages.views import Carried, Sent
from persistence.push import badges, preferences
from persistence.receipts import cursors
from persistence.sync.sync import sync
from persistence.unread import store as unread
from shared.streams import Cursor
from tests.integration.persistence.talk import conversation, draft, people, phones
from tests.support.notes import note

STEPS, CHECKED_EVERY = 60, 6


@dataclass
class Room:
    """What each of its people read, cleared and hid, as plainly as one can keep it."""

    id: str
    people: list[str]
    read: dict[str, int] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    head: int = 0


@dataclass
class History:
    pool: Pool
    dice: random.Random
    rooms: list[Room]

    def somebody(self) -> tuple[Room, str]:
        room = self.dice.choice(self.rooms)
        return room, self.dice.choice(room.people)

    async def message(self, room: Room) -> tuple[str, int] | None:
        rows = await self.pool.fetch("SELECT id, seq FROM messages WHERE conversation_id = $1", room.id)
        return tuple(self.dice.choice(rows)) if rows else None


async def send(history: History) -> None:
    room, sender = history.somebody()
    named = history.dice.choice(room.people)
    carried = history.dice.choice([None, None, Carried(mentions=(named,)), Carried(expires_in=3600)])
    [sent] = await messages.send(history.pool, room.id, [draft(sender, carried=carried)])
    assert isinstance(sent, Sent)
    room.head = room.read[sender] = sent.message.seq


async def note_something(history: History) -> None:
    room, sender = history.somebody()
    room.head = (await note(history.pool, room.id, sender)).seq


async def read(history: History) -> None:
    room, reader = history.somebody()
    seq = history.dice.randint(1, room.head + 3)
    await cursors.advance(history.pool, [Cursor(room.id, reader, read=seq)])
    room.read[reader] = max(room.read.get(reader, 0), min(seq, room.head))


async def read_all(history: History) -> None:
    _, reader = history.somebody()
    async for _ in unread.read_all(history.pool, reader):
        pass
    for room in history.rooms:
        if reader in room.people:
            room.read[reader] = room.head


async def delete(history: History) -> None:
    room, _ = history.somebody()
    found = await history.message(room)
    if found is None:
        return
    sender = await history.pool.fetchval("SELECT sender_id FROM messages WHERE id = $1", found[0])
    erased = await deletions.delete_for_all(history.pool, room.id, sender, found[0])
    if isinstance(erased, deletions.Erased) and erased.logged is not None:
        room.head = erased.logged.seq


async def delete_for_me(history: History) -> None:
    room, reader = history.somebody()
    found = await history.message(room)
    if found is not None and found[1] > room.cleared.get(reader, 0):
        await deletions.hide(history.pool, room.id, reader, found[0])
        room.hidden.add((reader, found[0]))


async def clear(history: History) -> None:
    room, reader = history.somebody()
    await conversations.hide(history.pool, reader, room.id)
    room.cleared[reader] = room.head


async def expire(history: History) -> None:
    room, _ = history.somebody()
    await history.pool.execute(
        "UPDATE messages SET expires_at = now() WHERE conversation_id = $1 AND expires_at IS NOT NULL", room.id
    )


async def mark(history: History) -> None:
    room, reader = history.somebody()
    await marks.mark(history.pool, room.id, reader, history.dice.choice(list(marks.Mark)), on=True)


async def be_private(history: History) -> None:
    _, reader = history.somebody()
    await preferences.change_preferences(history.pool, reader, {"read_receipts": history.dice.random() < 0.5}, {})


STEP: list[Callable[[History], Awaitable[None]]] = [
    *[send] * 6, *[read] * 3, note_something, read_all, delete, delete_for_me, clear, expire, mark, be_private,
]  # fmt: skip


async def counted(pool: Pool, room: Room, reader: str) -> tuple[int, int]:
    """Plainly: each message is looked at."""
    rows = await pool.fetch("SELECT * FROM messages WHERE conversation_id = $1 AND sender_id <> $2", room.id, reader)
    now = await pool.fetchval("SELECT now()")
    after = max(room.read.get(reader, 0), room.cleared.get(reader, 0))
    standing = [
        row
        for row in rows
        if row["seq"] > after
        and row["deleted_at"] is None
        and (row["expires_at"] is None or row["expires_at"] > now)
        and (reader, row["id"]) not in room.hidden
    ]
    return len(standing), sum(reader in (row["mentions"] or ()) for row in standing)


async def check(history: History, everybody: list[str]) -> None:
    pool = history.pool
    await pool.execute("UPDATE devices SET platform = 'ios'")
    await pool.execute("DELETE FROM badges")
    await pool.execute(
        "INSERT INTO badges (user_id, shown, stale_since) SELECT id, 1000, now() FROM unnest($1::uuid[]) AS u(id)",
        everybody,
    )
    shown = {badge.user_id: badge.unread for badge in await badges.take_stale(pool, 100)}
    for reader in everybody:
        expected = {room.id: await counted(pool, room, reader) for room in history.rooms if reader in room.people}
        viewed = await conversations.view(pool, [(reader, room_id) for room_id in expected])
        assert {key: (one.unread_count, one.mention_count) for (_, key), one in viewed.items()} == expected
        synced = (await sync(pool, reader, {})).conversations
        assert {key: (one.unread_count, one.mention_count) for key, one in synced.items()} == {
            key: value for key, value in expected.items() if key in synced
        }
        totals = await unread.totals(pool, reader)
        assert totals.messages == shown[reader] == sum(messages for messages, _ in expected.values())
        assert totals.mentions == sum(mentions for _, mentions in expected.values())
        assert totals.conversations == sum(messages > 0 for messages, _ in expected.values())


@pytest.mark.parametrize("seed", range(5))
async def test_unread_is_a_plain_count_wherever_it_is_shown(pool: Pool, seed: int) -> None:
    everybody = await people(pool, 3)
    await phones(pool, *everybody)
    ids = [await conversation(pool, *everybody), await conversation(pool, *everybody[:2])]
    rooms = [Room(ids[0], everybody), Room(ids[1], everybody[:2])]
    history = History(pool, random.Random(seed), rooms)
    for number in range(1, STEPS + 1):
        await history.dice.choice(STEP)(history)
        if number % CHECKED_EVERY == 0:
            await check(history, everybody)
