"""Unread and mention counts are what a plain count of messages gives, whatever happened to them before."""

import random
from typing import Any

import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.messages import deletions, edits
from persistence.messages import send as messages
from persistence.messages.edits import Edit, EditRules
from persistence.messages.expiry import erase, told
from persistence.messages.mentions import Named
from persistence.messages.views import Carried, Sent
from persistence.push import badges
from persistence.receipts import cursors
from persistence.sync.sync import sync
from shared.streams import Cursor
from tests.integration.persistence.talk import draft, made, people

EVERYBODY = "00000000-0000-0000-0000-000000000000"
RULES = EditRules(86_400.0, keep=True)

# Row by row, as a reader would count by hand: others' messages, above what was read and where the view begins.
_PLAIN = """
SELECT m.seq, m.deleted_at IS NOT NULL OR m.expires_at <= now() OR EXISTS (
           SELECT FROM hidden_messages h WHERE h.conversation_id = m.conversation_id AND h.message_seq = m.seq
               AND h.user_id = p.user_id) AS gone,
       coalesce(p.user_id = ANY (m.mentions) OR $3::uuid = ANY (m.mentions), false) AS mentioned
FROM messages m JOIN participants p ON p.conversation_id = m.conversation_id JOIN conversations c ON c.id = $1
WHERE m.conversation_id = $1 AND p.user_id = $2 AND m.sender_id <> p.user_id
    AND m.seq > greatest(p.read_seq, p.hidden_seq, p.joined_seq, c.floor_seq)
"""


class Town:
    """Some people in some groups, in which anything may happen to any message."""

    def __init__(self, pool: Pool, users: list[str], rooms: list[str], seed: int) -> None:
        self.pool, self.users, self.rooms, self.dice = pool, users, rooms, random.Random(seed)
        self.sent: list[Any] = []

    async def step(self) -> None:
        acts = (
            self.send,
            self.send,
            self.send,
            self.edit,
            self.delete,
            self.hide,
            self.read,
            self.end,
            self.sweep,
            self.clear,
        )
        await self.dice.choice(acts)()

    async def send(self) -> None:
        named = tuple(self.dice.sample(self.users, self.dice.randrange(3)))
        carried = Carried(mentions=named, all=self.dice.random() < 0.2, expires_in=self.dice.choice([None, 3600]))
        one = draft(self.dice.choice(self.users), carried=self.dice.choice([None, carried]))
        [outcome] = await messages.send(self.pool, self.dice.choice(self.rooms), [one])
        if isinstance(outcome, Sent):
            self.sent.append(outcome.message)

    async def edit(self) -> None:
        if self.sent:
            one = self.dice.choice(self.sent)
            named = Named(tuple(self.dice.sample(self.users, 2)), all=self.dice.random() < 0.2)
            wanted = Edit(text=f"edited {self.dice.random()}", mentions=self.dice.choice([None, named]))
            await edits.edit(self.pool, one.conversation_id, one.sender_id, one.id, wanted, RULES)

    async def delete(self) -> None:
        if self.sent:
            one = self.dice.choice(self.sent)
            await deletions.delete_for_all(self.pool, one.conversation_id, one.sender_id, one.id)

    async def hide(self) -> None:
        if self.sent:
            one = self.dice.choice(self.sent)
            await deletions.hide(self.pool, one.conversation_id, self.dice.choice(self.users), one.id)

    async def read(self) -> None:
        seq = self.dice.randrange(1, 12)
        await cursors.advance(self.pool, [Cursor(self.dice.choice(self.rooms), self.dice.choice(self.users), read=seq)])

    async def end(self) -> None:
        """The time of some is over."""
        await self.pool.execute(
            "UPDATE messages SET expires_at = now() - interval '1 ms' WHERE expires_at IS NOT NULL AND random() < 0.4"
        )

    async def sweep(self) -> None:
        await erase(self.pool)

    async def clear(self) -> None:
        if self.dice.random() < 0.2:
            await conversations.hide(self.pool, self.dice.choice(self.users), self.dice.choice(self.rooms))

    async def plain(self, room: str, user: str) -> tuple[int, int]:
        rows = await self.pool.fetch(_PLAIN, room, user, EVERYBODY)
        left = [row for row in rows if not row["gone"]]
        return len(left), sum(row["mentioned"] for row in left)


@pytest.mark.parametrize("seed", range(4))
async def test_every_count_is_a_plain_count(pool: Pool, seed: int) -> None:
    users = await people(pool, 3)
    rooms = [(await made(pool, users[0], users, is_group=True)).conversation.id for _ in range(2)]
    town = Town(pool, users, rooms, seed)
    for _ in range(60):
        await town.step()

    for user in users:
        expected = {room: await town.plain(room, user) for room in rooms}
        viewed = await conversations.view(pool, [(user, room) for room in rooms])
        assert {room: (one.unread_count, one.mention_count) for (_, room), one in viewed.items()} == expected
        synced = (await sync(pool, user, {})).conversations
        told_of = {room: (one.unread_count, one.mention_count) for room, one in synced.items()}
        assert told_of == {room: expected[room] for room in told_of}
        assert await badge(pool, user) == sum(unread for unread, _ in expected.values())
    frames = await told(pool, dict.fromkeys(rooms, 10**9))
    assert len(frames) == len(users) * len(rooms)


async def badge(pool: Pool, user: str) -> int:
    """What a phone of theirs is set to, which shows more now."""
    await pool.execute(
        "INSERT INTO devices (token, user_id, platform) VALUES ($2, $1, 'ios')", user, f"ExponentPushToken[{user}]"
    )
    await pool.execute("DELETE FROM badges")
    await pool.execute("INSERT INTO badges (user_id, shown, stale_since) VALUES ($1, 1000, now())", user)
    try:
        [shown] = await badges.take_stale(pool, 10)
    finally:
        await pool.execute("DELETE FROM devices")
    return shown.unread
