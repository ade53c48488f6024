"""Writers that meet in the same rows take their locks in one order."""

import asyncio
from dataclasses import dataclass

from persistence.conversations import store as conversations
from persistence.database.pool import Pool, open_pool, transaction
from persistence.log import outbox
from persistence.members import user_outbox as memberships
from persistence.messages import send as messages
from persistence.messages.views import Sent
from persistence.receipts import cursors
from shared.streams import Cursor
from tests.integration.persistence.talk import conversation, draft, made, people

ROOMS, PEOPLE, TURNS = 24, 6, 6
SENT_EACH = 16


@dataclass
class Crowd:
    """Two processes of people who are all in the same conversations."""

    people: list[str]
    rooms: list[str]

    async def talk(self, pool: Pool, turn: int) -> None:
        """As a queue does: up to sixteen conversations in one statement, in whatever order they became ready."""
        for number in range(SENT_EACH):
            order = self.rooms[turn::-1] + self.rooms[:turn:-1]
            together = [(room, draft(self.people[(turn + number) % PEOPLE])) for room in order[number % 8 :][:16]]
            answers = await messages.send_joined(pool, together)
            assert all(isinstance(answer, Sent) for answer in answers), answers

    async def report(self, pool: Pool, turn: int) -> None:
        said = [Cursor(room, user, delivered=turn, read=turn) for room in self.rooms for user in self.people]
        for _ in range(TURNS):
            await cursors.advance(pool, said if turn % 2 else said[::-1])

    async def join_hide_and_purge(self, pool: Pool, turn: int) -> None:
        for room in self.rooms[turn::4]:
            await conversations.hide(pool, self.people[turn], room)
            other = (await made(pool, self.people[turn], self.people, is_group=True)).conversation.id
            both = [(other, draft(self.people[0])), (room, draft(self.people[0]))]
            await asyncio.gather(messages.send_joined(pool, both), conversations.purge(pool, [other]))


async def relay(pool: Pool) -> None:
    for _ in range(2 * TURNS):
        async with transaction(pool) as connection:
            await memberships.overdue(connection, 0, 100)
            rows = await outbox.overdue(connection, 0, 200)
            await outbox.settle(connection, [(row.conversation_id, row.seq) for row in rows])


async def test_joined_sends_receipts_memberships_and_relays_never_wait_in_a_circle(
    pool: Pool, database_url: str
) -> None:
    """Postgres ends a circle by an error in one of them: nobody here may raise."""
    everyone = await people(pool, PEOPLE)
    crowd = Crowd(everyone, [await conversation(pool, *everyone) for _ in range(ROOMS)])
    second = await open_pool(database_url, size=10)
    async with asyncio.TaskGroup() as group:
        for turn in range(6):
            group.create_task(crowd.talk((pool, second)[turn % 2], turn * 4))
        for turn in range(4):
            group.create_task(crowd.report((pool, second)[turn % 2], turn + 1))
            group.create_task(crowd.join_hide_and_purge((pool, second)[turn % 2], turn))
        group.create_task(relay(pool))
        group.create_task(relay(second))
    await second.close()
    wrong = await pool.fetch(
        "SELECT c.id FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id GROUP BY c.id "
        "HAVING c.last_seq <> count(m.id) OR c.last_ordinal <> count(m.id) OR c.last_seq <> max(m.seq)"
    )
    assert wrong == []
