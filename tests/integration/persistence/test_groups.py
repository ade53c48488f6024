"""Groups at once: never without an owner, nobody past their removal, and no status that falls back."""

import asyncio

import pytest

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.groups import appointments, changes, joins, leaves
from persistence.groups.changes import Wanted
from persistence.groups.views import By, Changed, Gone
from persistence.members.views import NotAMember, Role
from persistence.messages import send as messages
from persistence.messages.views import Sent, Slow
from persistence.receipts import cursors
from persistence.sync.sync import sync
from shared.streams import Cursor
from tests.integration.persistence.talk import draft, made, people, say

TURNS = 40


async def group(pool: Pool, *users: str) -> str:
    return (await made(pool, users[0], users, is_group=True)).conversation.id


async def roles(pool: Pool, room: str) -> dict[str, str]:
    rows = await pool.fetch(
        "SELECT user_id, role FROM participants WHERE conversation_id = $1 AND left_at IS NULL", room
    )
    return {row["user_id"]: row["role"] or "member" for row in rows}


async def two_owners(pool: Pool, *users: str) -> str:
    room = await group(pool, *users)
    await appointments.appoint(pool, room, By(users[0]), users[1], Role.OWNER)
    return room


async def test_two_owners_who_leave_at_once_leave_a_group_with_an_owner(pool: Pool) -> None:
    ann, bob, cleo = await people(pool, 3)
    for _ in range(TURNS):
        room = await two_owners(pool, ann, bob, cleo)
        gone = await asyncio.gather(*(leaves.remove(pool, room, By(one), one) for one in (ann, bob)))
        assert all(isinstance(one, Gone) for one in gone)
        assert await roles(pool, room) == {cleo: "owner"}


async def test_of_two_owners_who_demote_each_other_or_themselves_at_once_one_stays(pool: Pool) -> None:
    ann, bob, cleo = await people(pool, 3)
    for turn in range(TURNS):
        room = await two_owners(pool, ann, bob, cleo)
        targets = (bob, ann) if turn % 2 else (ann, bob)
        told = await asyncio.gather(
            *(
                appointments.appoint(pool, room, By(one), other, Role.MEMBER)
                for one, other in zip((ann, bob), targets, strict=True)
            )
        )
        assert sum(isinstance(one, Changed) for one in told) == 1
        assert list((await roles(pool, room)).values()).count("owner") == 1


async def test_a_removal_stands_at_one_place_among_sends_and_nothing_above_it_is_synced(pool: Pool) -> None:
    ann, bob, cleo = await people(pool, 3)
    for _ in range(20):
        room = await group(pool, ann, bob, cleo)
        sends = asyncio.gather(*(messages.send(pool, room, [draft(one)]) for _ in range(8) for one in (ann, bob)))
        gone = await leaves.remove(pool, room, By(ann), bob)
        assert isinstance(gone, Gone)
        own = [answer for [answer] in (await sends)[1::2]]
        assert all(answer.message.seq < gone.logged.seq for answer in own if isinstance(answer, Sent))
        assert all(isinstance(answer, Sent | NotAMember) for answer in own)
        assert (gone.logged.removed, gone.logged.people) == ((bob,), 2)
        assert room not in (await sync(pool, bob, {room: 0})).conversations
        head = await pool.fetchval("SELECT last_seq FROM conversations WHERE id = $1", room)
        told = (await sync(pool, ann, {room: 0})).conversations[room]
        assert (told.last_seq, len(told.events), told.complete) == (head, head, True)


async def test_no_status_falls_back_and_nothing_is_unread_when_people_come_in_under_sends(pool: Pool) -> None:
    ann, bob, *crowd = await people(pool, 12)
    room = await group(pool, ann, bob)

    async def talk() -> None:
        for _ in range(30):
            [message] = await say(pool, room, ann)
            await cursors.advance(pool, [Cursor(room, bob, read=message.seq)])
            floor = await pool.fetchval(
                "SELECT min(read_seq) FROM participants WHERE conversation_id = $1 AND left_at IS NULL"
                " AND user_id = ANY ($2::uuid[])",
                room,
                [ann, bob],
            )
            assert floor >= message.seq

    async def come() -> None:
        for one in crowd:
            joined = await joins.add(pool, room, By(ann), [one])
            seq = joined.logged.seq  # type: ignore[union-attr]
            row = await pool.fetchrow(
                "SELECT read_seq, delivered_seq, joined_seq FROM participants"
                " WHERE user_id = $1 AND conversation_id = $2",
                one,
                room,
            )
            assert tuple(row or ()) == (seq - 1,) * 3

    await asyncio.gather(talk(), come())

    for one in crowd:
        view = (await conversations.view(pool, [(one, room)]))[one, room]
        above = await pool.fetchval(
            "SELECT count(*) FROM messages m JOIN participants p ON p.conversation_id = m.conversation_id"
            " AND p.user_id = $1 WHERE m.conversation_id = $2 AND m.seq > p.joined_seq",
            one,
            room,
        )
        assert view.unread_count == above


async def test_of_what_a_slowed_member_sends_at_once_the_first_goes(pool: Pool) -> None:
    ann, bob = await people(pool, 2)
    room = await group(pool, ann, bob)
    await changes.change(pool, room, By(ann), Wanted(settings={"slow_seconds": 60}))
    drafts = [draft(bob), draft(ann), draft(bob), draft(ann)]

    outcomes = await messages.send(pool, room, drafts)

    assert [type(outcome) for outcome in outcomes] == [Sent, Sent, Slow, Sent]
    assert [type(one) for one in await messages.send(pool, room, [draft(bob)])] == [Slow]


async def test_a_group_of_an_older_release_is_owned_by_who_made_it_else_by_who_stands_longest(pool: Pool) -> None:
    ann, bob, cleo = await people(pool, 3)
    for owner, is_in in ((ann, True), (bob, False)):
        room = await group(pool, ann, bob, cleo)
        await pool.execute("DELETE FROM groups WHERE conversation_id = $1", room)
        await pool.execute("UPDATE participants SET role = NULL WHERE conversation_id = $1", room)
        if not is_in:
            await pool.execute(
                "UPDATE participants SET left_at = now() WHERE conversation_id = $1 AND user_id = $2", room, ann
            )
        else:
            assert (await conversations.view(pool, [(ann, room)]))[ann, room].role is Role.OWNER
        await asyncio.gather(*(changes.change(pool, room, By(cleo), Wanted(name="x")) for _ in range(5)))
        assert (await roles(pool, room))[owner] == "owner"


@pytest.mark.parametrize("other", ["purge", "leave"])
async def test_a_group_that_ends_while_somebody_is_added_says_so(pool: Pool, other: str) -> None:
    ann, bob = await people(pool, 2)
    for _ in range(10):
        room = await group(pool, ann, bob)
        ends = (
            [conversations.purge(pool, [room])]
            if other == "purge"
            else [leaves.remove(pool, room, By(one), one) for one in (ann, bob)]
        )
        await asyncio.gather(joins.add(pool, room, By(ann), [(await people(pool, 1))[0]]), *ends)
        owners = list((await roles(pool, room)).values())
        assert owners in ([], ["owner"])
