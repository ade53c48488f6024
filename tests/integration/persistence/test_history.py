"""Reading a conversation's past: pages, keysets, and how far each message has come."""

import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.members.views import NotAMember
from persistence.messages import history
from persistence.messages.views import HistoryPage, Message
from persistence.receipts import cursors
from shared.ids import new_id
from shared.streams import Cursor
from tests.integration.persistence.talk import conversation, people, say


def seqs(page: HistoryPage | NotAMember) -> list[int]:
    assert isinstance(page, HistoryPage)
    return [message.seq for message in page.messages]


def more(page: HistoryPage | NotAMember) -> bool:
    assert isinstance(page, HistoryPage)
    return page.has_more


@pytest.mark.parametrize(
    ("number", "limit", "expected", "has_more"),
    [
        (1, 3, [5, 6, 7], True),
        (2, 3, [2, 3, 4], True),
        (3, 3, [1], False),
        (4, 3, [], False),
        (1, 7, [1, 2, 3, 4, 5, 6, 7], False),
        (1, 100, [1, 2, 3, 4, 5, 6, 7], False),
        (10**9, 100, [], False),
    ],
)
async def test_page_one_is_the_newest_and_each_page_is_oldest_first(
    number: int, limit: int, expected: list[int], has_more: bool, pool: Pool
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 7)
    page = await history.page(pool, bob, room, number=number, limit=limit)
    assert (seqs(page), more(page)) == (expected, has_more)
    assert isinstance(page, HistoryPage)
    assert page.total == 7


async def test_keysets_walk_in_both_directions(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 7)
    for seq, limit, expected, has_more in [(8, 3, [5, 6, 7], True), (4, 3, [1, 2, 3], False), (1, 3, [], False)]:
        page = await history.before(pool, bob, room, seq=seq, limit=limit)
        assert (seqs(page), more(page)) == (expected, has_more)
    for seq, limit, expected, has_more in [(0, 3, [1, 2, 3], True), (4, 3, [5, 6, 7], False), (7, 3, [], False)]:
        page = await history.after(pool, bob, room, seq=seq, limit=limit)
        assert (seqs(page), more(page)) == (expected, has_more)


async def test_what_was_hidden_is_on_no_page(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 4)
    await conversations.hide(pool, bob, room)
    await say(pool, room, ann, 2)
    assert seqs(await history.page(pool, bob, room, number=1, limit=10)) == [5, 6]
    assert seqs(await history.before(pool, bob, room, seq=6, limit=10)) == [5]
    assert seqs(await history.after(pool, bob, room, seq=0, limit=10)) == [5, 6]
    page = await history.page(pool, bob, room, number=2, limit=1)
    assert isinstance(page, HistoryPage)
    assert (seqs(page), page.total, page.has_more) == ([5], 2, False)
    assert seqs(await history.page(pool, ann, room, number=1, limit=10)) == [1, 2, 3, 4, 5, 6]


async def test_strangers_and_unknown_conversations_look_alike(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann)
    assert await history.page(pool, eve, room, number=1, limit=5) == NotAMember()
    assert await history.before(pool, eve, room, seq=5, limit=5) == NotAMember()
    assert await history.after(pool, ann, new_id(), seq=0, limit=5) == NotAMember()


async def test_a_message_is_delivered_and_read_once_every_other_participant_has_it_and_has_read_it(pool: Pool) -> None:
    [ann, bob, cid] = await people(pool, 3)
    room = await conversation(pool, ann, bob, cid)
    await say(pool, room, ann, 3)

    async def statuses() -> list[str]:
        page = await history.page(pool, ann, room, number=1, limit=10)
        assert isinstance(page, HistoryPage)
        return [message.status for message in page.messages if isinstance(message, Message)]

    await cursors.advance(pool, [Cursor(room, bob, read=3)])
    assert await statuses() == ["sent", "sent", "sent"]
    await cursors.advance(pool, [Cursor(room, cid, delivered=2, read=1)])
    assert await statuses() == ["read", "delivered", "sent"]
    await pool.execute("UPDATE participants SET left_at = now() WHERE user_id = $1", cid)
    assert await statuses() == ["read", "read", "read"], "who left is waited for no more"
