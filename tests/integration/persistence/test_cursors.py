"""Cursors: forward only, whatever is said, in whatever order, by however many at once."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.conversations import store as conversations
from persistence.database.pool import Pool, open_pool
from persistence.members.views import NotAMember
from persistence.messages import send as messages
from persistence.receipts import cursors
from persistence.receipts.views import Marked, Pointer, Status
from shared.ids import new_id
from shared.streams import Cursor
from tests.integration.persistence.talk import conversation, draft, people, say

LAST = 6
SEQ = st.integers(0, LAST + 3)


@dataclass
class Model:
    """What one participant's cursors should be: the contract in a few lines."""

    delivered: int = 0
    attended: int = 0
    read: int = 0
    told: list[tuple[int | None, int | None]] = field(default_factory=list)

    def hear(self, delivered: int, attended: int, read: int) -> None:
        was = (self.delivered, self.read)
        self.read = max(self.read, min(read, LAST))
        self.attended = max(self.attended, min(attended, LAST), self.read)
        self.delivered = max(self.delivered, min(delivered, LAST), self.attended)
        tell_delivered = delivered > 0 and self.delivered > was[0]
        tell_read = read > 0 and self.read > was[1]
        if tell_delivered or tell_read:
            self.told.append((self.delivered if tell_delivered else None, self.read if tell_read else None))


def seq_of(pointer: Pointer | None) -> int | None:
    return pointer and pointer.seq


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.tuples(SEQ, SEQ, SEQ), min_size=2, max_size=6))
async def test_a_cursor_only_goes_forward_and_never_past_the_end(said: list[tuple[int, int, int]], pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    sent = await say(pool, room, ann, LAST)
    model, told = Model(), []
    for heard in said:
        model.hear(*heard)
        for moved in await cursors.advance(pool, [Cursor(room, bob, *heard)]):
            told.append((seq_of(moved.delivered), seq_of(moved.read)))
            for pointer in (moved.delivered, moved.read):
                assert pointer is None or pointer.message_id == sent[pointer.seq - 1].id
    row = await pool.fetchrow("SELECT * FROM participants WHERE conversation_id = $1 AND user_id = $2", room, bob)
    assert row is not None
    assert (row["delivered_seq"], row["attended_seq"], row["read_seq"]) == (model.delivered, model.attended, model.read)
    assert row["read_ordinal"] == model.read
    assert told == model.told
    view = (await conversations.view(pool, [(bob, room)]))[bob, room]
    assert view.unread_count == LAST - model.read


async def test_all_that_is_said_at_once_counts_as_the_furthest(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 5)
    said = [Cursor(room, bob, delivered=2), Cursor(room, bob, read=1), Cursor(room, bob, delivered=4)]
    [moved] = await cursors.advance(pool, said)
    assert (seq_of(moved.delivered), seq_of(moved.read), moved.members) == (4, 1, 2)


async def test_what_others_say_of_a_conversation_is_ignored(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    said = [Cursor(room, eve, read=1), Cursor(new_id(), bob, read=1), Cursor(room, bob, read=1)]
    assert [moved.user_id for moved in await cursors.advance(pool, said)] == [bob]


async def test_a_message_that_was_attended_or_read_is_told_only_as_what_was_said(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 2)
    [moved] = await cursors.advance(pool, [Cursor(room, bob, read=2)])
    assert (moved.delivered, seq_of(moved.read)) == (None, 2)
    assert await cursors.advance(pool, [Cursor(room, bob, attended=2, delivered=2)]) == []
    [again] = await cursors.advance(pool, [Cursor(room, bob, delivered=1)], again=True)
    assert (seq_of(again.delivered), again.read) == (2, None)


async def test_nothing_is_told_of_a_conversation_without_a_message(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    assert await cursors.advance(pool, [Cursor(room, bob, read=7)]) == []
    assert await cursors.advance(pool, [Cursor(room, bob, read=7)], again=True) == []
    await say(pool, room, ann)
    view = (await conversations.view(pool, [(bob, room)]))[bob, room]
    assert (view.read_seq, view.unread_count) == (0, 1), "one past the end counts as the end at that moment"


async def test_batches_that_overlap_in_another_order_do_not_block_each_other_nor_the_senders(
    pool: Pool, database_url: str
) -> None:
    everyone = await people(pool, 6)
    rooms = [await conversation(pool, *everyone) for _ in range(4)]
    second = await open_pool(database_url, size=8)

    async def report(mine: Pool, turn: int) -> None:
        said = [Cursor(room, user, delivered=turn, read=turn) for room in rooms for user in everyone]
        await cursors.advance(mine, said if turn % 2 else said[::-1])

    async def talk(mine: Pool, first: int) -> None:
        together = everyone[first:] + everyone[:first]
        for room in rooms * 5:
            await messages.send(mine, room, [draft(sender) for sender in together])

    await asyncio.gather(
        *(report((pool, second)[turn % 2], turn) for turn in range(1, 30)),
        *(talk((pool, second)[n % 2], n) for n in range(6)),
    )
    await second.close()
    views = await conversations.view(pool, [(everyone[0], room) for room in rooms])
    assert {view.last_seq for view in views.values()} == {180}


async def test_marking_messages_moves_the_cursor_to_the_newest_and_counts_those_of_the_conversation(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    room, other = await conversation(pool, ann, bob), await conversation(pool, bob, eve)
    first, second, third = await say(pool, room, ann, 3)
    [foreign] = await say(pool, other, eve)
    named = [second.id, foreign.id, new_id(), first.id, first.id]

    marked = await cursors.mark(pool, bob, room, named, Status.DELIVERED)

    assert isinstance(marked, Marked)
    assert marked.updated_count == 2
    [moved] = marked.moved
    assert (moved.delivered, moved.read) == (Pointer(2, second.id), None)
    again = await cursors.mark(pool, bob, room, [first.id], Status.READ)
    assert isinstance(again, Marked)
    assert (again.updated_count, [seq_of(each.read) for each in again.moved]) == (1, [1])
    assert await cursors.mark(pool, bob, room, [first.id], Status.READ) == Marked(1, [])
    assert await cursors.mark(pool, bob, room, [foreign.id], Status.READ) == Marked(0, [])
    assert await cursors.mark(pool, eve, room, [third.id], Status.READ) == NotAMember()


async def test_what_moved_since_is_found_also_if_it_was_not_yet_committed_then(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 3)
    await cursors.advance(pool, [Cursor(room, bob, delivered=1)])
    began, nothing = await cursors.moved_since(pool, [room], None)
    assert nothing == []

    async with pool.acquire() as connection, connection.transaction():
        await cursors.advance(connection, [Cursor(room, bob, delivered=3, read=2)])
        await say(pool, room, ann)
        between, seen = await cursors.moved_since(pool, [room], began)
        assert [one.user_id for one in seen] == [ann]
    after, found = await cursors.moved_since(pool, [room], between)
    assert [(one.user_id, seq_of(one.delivered), seq_of(one.read)) for one in found] == [
        (ann, 4, 4),
        (bob, 3, 2),
    ], "ann's may come twice, bob's must come"
    assert (await cursors.moved_since(pool, [room], after))[1] == []
    assert (await cursors.moved_since(pool, [new_id()], 0))[1] == []


async def test_a_cursor_that_only_was_attended_is_no_news_to_others(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 1)
    await cursors.advance(pool, [Cursor(room, bob, delivered=1)])
    as_of, _ = await cursors.moved_since(pool, [room], None)
    await cursors.advance(pool, [Cursor(room, bob, attended=1)])
    assert (await cursors.moved_since(pool, [room], as_of))[1] == []


async def test_of_a_big_group_those_who_came_furthest_are_told(pool: Pool) -> None:
    everyone = await people(pool, 55)
    room = await conversation(pool, *everyone)
    await say(pool, room, everyone[0], 60)
    await cursors.advance(pool, [Cursor(room, user, read=n) for n, user in enumerate(everyone[1:], 1)])
    _, moved = await cursors.moved_since(pool, [room], 0)
    assert len(moved) == cursors.MOST_MOVED
    assert min(one.read.seq for one in moved if one.read) == 55 - cursors.MOST_MOVED + 1
