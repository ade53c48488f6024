"""Making, listing, hiding and removing conversations."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from persistence.conversations import store as conversations
from persistence.conversations.views import Hidden, Position, StillHidden
from persistence.database.pool import Pool, open_pool, transaction
from persistence.members import user_outbox as memberships
from persistence.members.views import Member, NotAMember, Role
from persistence.messages import history
from persistence.messages.views import HistoryPage
from persistence.receipts import cursors
from persistence.users import store as users
from shared.api import SessionUser
from shared.ids import new_id
from shared.streams import Cursor
from shared.wire import Kind
from tests.integration.persistence.talk import conversation, made, people, say


async def listed(pool: Pool, user_id: str) -> list[str]:
    return [each.id for each in (await conversations.page(pool, user_id, limit=100)).conversations]


async def test_a_new_conversation_is_in_everyones_list(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    stranger = new_id()
    created = await made(pool, ann, [bob, stranger, bob], is_group=True, name="Trip", bounty_id="b7")

    view = created.conversation
    assert not created.existing
    assert (view.is_group, view.name, view.bounty_id, view.last_seq, view.unread_count) == (True, "Trip", "b7", 0, 0)
    assert {each.id: each.handle for each in view.participants} == {ann: "user1", bob: "user2", stranger: None}
    assert {(member.user_id, member.version) for member in created.joined} == {(ann, 1), (bob, 1), (stranger, 1)}
    for user, role in ((ann, Role.OWNER), (bob, Role.MEMBER), (stranger, Role.MEMBER)):
        assert await conversations.page(pool, user, limit=10) == ([msgspec.structs.replace(view, role=role)], None)


async def test_three_or_more_are_a_group_and_each_time_another_one(pool: Pool) -> None:
    [ann, bob, cid] = await people(pool, 3)
    first = await made(pool, ann, [bob, cid])
    second = await made(pool, ann, [bob, cid])
    assert first.conversation.is_group
    assert first.conversation.id != second.conversation.id


async def test_two_people_have_one_conversation_for_each_bounty(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    first = await made(pool, ann, [bob])
    again = await made(pool, bob, [ann, bob])
    about = await made(pool, bob, [ann], bounty_id="b1")
    assert (again.existing, again.conversation.id, again.joined) == (True, first.conversation.id, [])
    assert about.conversation.id != first.conversation.id
    assert not (await made(pool, ann, [bob], is_group=True)).existing


async def test_nobody_talks_alone(pool: Pool) -> None:
    [ann] = await people(pool, 1)
    with pytest.raises(ValueError, match="someone besides"):
        await made(pool, ann, [ann])


@pytest.mark.parametrize("known", [True, False])
async def test_two_who_ask_at_the_same_instant_get_one_conversation(known: bool, pool: Pool, database_url: str) -> None:
    second = await open_pool(database_url, size=10)
    for _ in range(20):
        [ann, bob] = await people(pool, 2) if known else sorted([new_id(), new_id()])
        answers = await asyncio.gather(
            *(made(pool, ann, [bob]) for _ in range(3)),
            *(made(second, bob, [ann]) for _ in range(3)),
        )
        assert len({answer.conversation.id for answer in answers}) == 1
        assert sum(not answer.existing for answer in answers) == 1
        assert await conversations.page(pool, ann, limit=5) == ([answers[0].conversation], None)
    await second.close()


async def test_many_groups_of_the_same_people_at_once_do_not_block_each_other(pool: Pool, database_url: str) -> None:
    everyone = await people(pool, 12)
    second = await open_pool(database_url, size=10)
    strangers = [new_id() for _ in range(6)]
    rotated = [(everyone[n:] + everyone[:n], strangers[n % 6 :] + strangers[: n % 6]) for n in range(12)]
    groups = await asyncio.gather(
        *(made((pool, second)[n % 2], old[0], [*old, *new]) for n, (old, new) in enumerate(rotated))
    )
    await second.close()
    versions = sorted(member.version for one in groups for member in one.joined if member.user_id == everyone[0])
    assert versions == list(range(1, 13))


async def test_the_list_shows_the_newest_activity_first_in_pages_that_meet(pool: Pool) -> None:
    [ann, *others] = await people(pool, 8)
    rooms = [await conversation(pool, ann, other) for other in others]
    await say(pool, rooms[2], ann)
    await pool.execute("UPDATE conversations SET updated_at = $2 WHERE id = ANY ($1)", rooms[3:6], await clock(pool))

    seen: list[str] = []
    after = None
    for _ in range(4):
        page = await conversations.page(pool, ann, limit=2, after=after)
        seen += [each.id for each in page.conversations]
        after = page.next and Position.from_cursor(page.next.to_cursor())
    assert after is None
    order = await pool.fetch("SELECT id FROM conversations ORDER BY updated_at DESC, id DESC")
    assert seen == [row["id"] for row in order]


async def clock(pool: Pool) -> object:
    return await pool.fetchval("SELECT date_trunc('milliseconds', now())") + timedelta(seconds=5)


@pytest.mark.parametrize("text", ["", "1", "1.x", "-1.ID", "999999999999999.ID", "٣.ID"])
def test_a_cursor_that_nobody_was_given_is_refused(text: str) -> None:
    text = text.replace("ID", new_id())
    assert Position.from_cursor(text) is None


async def test_a_list_entry_shows_what_this_user_has_not_read(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    sent = await say(pool, room, ann, 5)
    await cursors.advance(pool, [Cursor(room, bob, delivered=4, read=2)])
    views = await conversations.view(pool, [(ann, room), (bob, room), (new_id(), room)])
    anns, bobs = views[ann, room], views[bob, room]
    assert len(views) == 2
    assert (anns.unread_count, anns.read_seq, anns.last_seq) == (0, 5, 5)
    assert (bobs.unread_count, bobs.read_seq, bobs.last_seq) == (3, 2, 5)
    assert bobs.last_message is not None
    assert (bobs.last_message.id, bobs.last_message.seq, bobs.last_message.text) == (sent[-1].id, 5, sent[-1].text)
    assert bobs.updated_at == sent[-1].created_at


async def test_hiding_takes_a_conversation_and_its_past_from_this_user_alone(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 3)

    assert await conversations.hide(pool, bob, room) == Hidden(Member(bob, 2), 3)
    assert await conversations.hide(pool, bob, room) == StillHidden(), "hidden already"
    assert await listed(pool, bob) == []
    assert await listed(pool, ann) == [room]
    assert await history.page(pool, bob, room, number=1, limit=10) == HistoryPage([], 0, has_more=False, as_of_seq=3)

    [new] = await say(pool, room, ann)
    [entry] = (await conversations.page(pool, bob, limit=5)).conversations
    assert entry.unread_count == 1
    page = await history.page(pool, bob, room, number=1, limit=10)
    assert isinstance(page, HistoryPage)
    assert ([message.id for message in page.messages], page.total) == ([new.id], 1)
    assert await conversations.hide(pool, bob, room) == Hidden(Member(bob, 3), 4), "it had come back"


async def test_asking_for_a_hidden_conversation_brings_it_back_without_its_past(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 2)
    await conversations.hide(pool, bob, room)

    again = await made(pool, bob, [ann])

    assert (again.existing, again.conversation.id, again.conversation.last_message) == (True, room, None)
    assert again.conversation.unread_count == 0
    assert again.joined == [(bob, 3)], "bob's other devices hear that it is back"
    assert await listed(pool, bob) == [room]
    assert (await made(pool, bob, [ann])).joined == []


async def test_only_who_is_in_it_hides_it(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    room = await conversation(pool, ann, bob)
    assert await conversations.hide(pool, eve, room) == NotAMember()
    assert await conversations.hide(pool, eve, new_id()) == NotAMember()
    assert not await conversations.is_member(pool, eve, room)
    assert await conversations.is_member(pool, bob, room)


async def test_purging_leaves_no_trace_and_names_who_left(pool: Pool) -> None:
    [ann, bob, cid] = await people(pool, 3)
    gone, kept = await conversation(pool, ann, bob), await conversation(pool, ann, cid)
    await say(pool, gone, ann, 3)
    await say(pool, kept, ann, 2)

    [purged] = await conversations.purge(pool, [gone, new_id(), gone])

    assert (purged.conversation_id, sorted(purged.left)) == (gone, [(ann, 3), (bob, 2)])
    assert await listed(pool, ann) == [kept]
    for table in ("conversations", "participants", "messages", "outbox"):
        column = "id" if table == "conversations" else "conversation_id"
        assert [row[0] for row in await pool.fetch(f"SELECT DISTINCT {column} FROM {table}")] == [kept]
    assert (await made(pool, ann, [bob])).existing is False


async def test_a_purge_beside_senders_and_receipts_neither_blocks_nor_leaves_messages(pool: Pool) -> None:
    everyone = await people(pool, 6)
    rooms = [await conversation(pool, *everyone) for _ in range(4)]

    async def talk(room: str) -> None:
        for turn in range(12):
            await say_if_possible(pool, room, everyone[turn % 6])
            await cursors.advance(pool, [Cursor(each, user, read=turn) for each in rooms for user in everyone])

    async def purge() -> None:
        for room in rooms:
            await asyncio.sleep(0.02)
            await conversations.purge(pool, [room])

    await asyncio.gather(*map(talk, rooms), purge())
    assert await pool.fetchval("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM outbox)") == 0


async def say_if_possible(pool: Pool, room: str, sender: str) -> None:
    try:
        await say(pool, room, sender)
    except AssertionError:
        assert not await conversations.is_member(pool, sender, room)


async def test_presence_is_live_in_conversations_of_up_to_fifty(pool: Pool) -> None:
    everyone = await people(pool, 52)
    small, _ = await conversation(pool, *everyone[:50]), await conversation(pool, *everyone[:51])
    found = await conversations.peers(pool, [everyone[0], everyone[50], everyone[51]])
    assert found == {everyone[0]: [small]}


async def test_a_session_knows_its_rooms_its_version_and_the_epoch(pool: Pool) -> None:
    [ann, bob, cid] = await people(pool, 3)
    pair, group = await conversation(pool, ann, bob), await conversation(pool, ann, bob, cid)
    await conversations.hide(pool, ann, pair)
    await pool.execute("UPDATE users SET banned_at = now() WHERE id = $1", cid)
    stranger = SessionUser(id=new_id(), handle="new")

    answer = await users.sessions(
        pool, [SessionUser(id=ann, handle="renamed"), SessionUser(id=cid, handle="user3"), stranger]
    )

    known = {session.id: session for session in answer.sessions}
    assert {(room.id, room.members) for room in known[ann].rooms} == {(pair, 2), (group, 3)}
    assert (known[ann].version, known[ann].banned) == (3, False)
    assert (known[cid].version, known[cid].banned) == (1, True)
    assert (known[stranger.id].version, known[stranger.id].rooms) == (0, [])
    assert answer.epoch == await pool.fetchval("SELECT epoch FROM meta")
    assert await pool.fetchval("SELECT handle FROM users WHERE id = $1", ann) == "renamed"


async def test_remembering_whom_it_knows_writes_nothing(pool: Pool) -> None:
    [ann] = await people(pool, 1)
    before = await pool.fetchval("SELECT xmin::text FROM users WHERE id = $1", ann)
    await users.remember(pool, [SessionUser(id=ann, handle="user1")])
    assert await pool.fetchval("SELECT xmin::text || xmax::text FROM users WHERE id = $1", ann) == before + "0"


async def test_only_people_who_share_a_conversation_know_of_each_other(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    await conversation(pool, ann, bob)
    assert await users.share_conversation(pool, ann, [ann, bob, eve, new_id()]) == {ann, bob}
    assert await users.share_conversation(pool, eve, [ann, eve]) == set()
    assert await users.last_seen(pool, [ann, new_id()]) == {ann: None}


async def test_a_version_belongs_to_the_transaction_that_changes_memberships(pool: Pool) -> None:
    [ann] = await people(pool, 1)

    async def change_and_fail() -> None:
        async with transaction(pool) as connection:
            await memberships.change(connection, Kind.JOINED, new_id(), [ann])
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await change_and_fail()
    assert await pool.fetchval("SELECT version FROM users") == 0
    assert await pool.fetchval("SELECT count(*) FROM user_outbox") == 0
