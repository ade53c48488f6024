"""Sync and the log: after any absence exactly up to date, and never a hole that looks like none."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.log import heads, read
from persistence.messages import send as messages
from persistence.receipts import cursors
from persistence.sync import sync
from persistence.sync.filling import Bounds
from persistence.sync.views import Reached, Sync, SyncedConversation
from shared.api import LIVE_PRESENCE_MEMBERS
from shared.ids import new_id
from shared.streams import Cursor
from tests.integration.persistence.talk import conversation, draft, people, say


def seqs(synced: SyncedConversation) -> list[int]:
    return [orjson.loads(bytes(frame))["seq"] for frame in synced.events]


@dataclass
class Phone:
    """A client that keeps what it was told, and syncs again while an answer says that it is not complete."""

    pool: Pool
    user: str
    events: dict[str, dict[int, str]] = field(default_factory=dict)
    last_seq: dict[str, int] = field(default_factory=dict)
    cursors: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    as_of: int | None = None
    bounds: Bounds = field(default_factory=Bounds)

    async def catch_up(self) -> int:
        """How many answers that took."""
        for turn in range(1, 50):
            answer = await sync.sync(self.pool, self.user, dict(self.last_seq), self.as_of, self.bounds)
            self.take(answer)
            if answer.complete:
                return turn
        raise AssertionError("never complete")

    def take(self, answer: Sync) -> None:
        self.as_of = int(answer.as_of)
        for room in answer.left:
            for known in (self.events, self.last_seq, self.cursors):
                known.pop(room, None)
        for room, told in answer.conversations.items():
            assert seqs(told) == list(range(told.first_seq, told.last_seq + 1)), "no hole"
            known_seq = self.last_seq.get(room)
            if known_seq is not None and told.first_seq > known_seq + 1:
                self.events[room] = {}  # what lies between was hidden
            mine = self.events.setdefault(room, {})
            for frame in (orjson.loads(bytes(frame)) for frame in told.events):
                assert frame["seq"] not in mine, "nothing twice"
                mine[frame["seq"]] = frame["messageId"]
            self.last_seq[room] = told.last_seq
            self.cursors[room] = (told.read_seq, told.unread_count, told.delivered_up_to, told.read_up_to)


async def truth(pool: Pool, user: str) -> dict[str, Any]:
    """What a client that is up to date shows, read in the most simple-minded way."""
    rooms = {}
    page = await conversations.page(pool, user, limit=100)
    for room in page.conversations:
        others = await pool.fetchrow(
            "SELECT min(delivered_seq), min(read_seq) FROM participants WHERE conversation_id = $1 AND user_id <> $2",
            room.id,
            user,
        )
        assert others is not None
        rooms[room.id] = (room.read_seq, room.unread_count, others[0], others[1]), room.last_seq
    return rooms


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "read", "hide", "sync", "burst"]), st.integers(0, 2)), max_size=14
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
async def test_whatever_happened_meanwhile_a_sync_brings_a_phone_up_to_date(
    actions: list[tuple[str, int]], pool: Pool
) -> None:
    [ann, bob] = await people(pool, 2)
    rooms = [await conversation(pool, ann, bob, bounty_id=str(n)) for n in range(3)]
    phone = Phone(pool, bob)
    for action, which in actions:
        await act(pool, phone, action, rooms[which], ann, bob)
    await phone.catch_up()

    expected = await truth(pool, bob)
    assert phone.cursors == {room: cursor for room, (cursor, _) in expected.items()}
    assert phone.last_seq == {room: head for room, (_, head) in expected.items()}
    for room, (_, head) in expected.items():
        logged = await read.events(pool, room, after=0, up_to=head)
        assert logged is not None
        ids = {event.seq: orjson.loads(bytes(event.frame))["messageId"] for event in logged.events}
        floor = min(phone.events[room], default=head + 1)
        assert phone.events[room] == {seq: ids[seq] for seq in range(floor, head + 1)}
    assert await phone.catch_up() == 1
    assert (await sync.sync(pool, bob, phone.last_seq, phone.as_of)).conversations == {}


async def act(pool: Pool, phone: Phone, action: str, room: str, ann: str, bob: str) -> None:
    match action:
        case "ann" | "bob":
            await say(pool, room, ann if action == "ann" else bob)
        case "burst":
            await messages.send(pool, room, [draft(ann) for _ in range(sync.NEWEST_MESSAGES + 9)])
        case "read":
            await cursors.advance(pool, [Cursor(room, bob, read=2), Cursor(room, ann, delivered=1)])
        case "hide":
            await conversations.hide(pool, bob, room)
        case "sync":
            await phone.catch_up()


async def test_of_a_conversation_that_is_not_named_the_newest_fifty_come(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await messages.send(pool, room, [draft(ann) for _ in range(60)])
    answer = await sync.sync(pool, bob, {})
    told = answer.conversations[room]
    assert (told.first_seq, told.last_seq, told.complete, len(told.events)) == (11, 60, True, 50)
    assert (told.unread_count, told.read_seq, answer.complete) == (60, 0, True)
    assert seqs((await sync.sync(pool, bob, {room: 3})).conversations[room]) == list(range(4, 61))


async def test_a_client_ahead_of_the_head_gets_the_newest_of_this_history(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 3)
    told = (await sync.sync(pool, bob, {room: 2**62})).conversations[room]
    assert (seqs(told), told.last_seq, told.complete) == ([1, 2, 3], 3, True)


async def test_what_is_hidden_or_not_the_users_counts_as_left(pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    hidden, kept, foreign = (
        await conversation(pool, ann, bob),
        await conversation(pool, ann, bob, bounty_id="b"),
        await conversation(pool, ann, eve),
    )
    await say(pool, hidden, ann, 2)
    await say(pool, foreign, ann)
    await conversations.hide(pool, bob, hidden)
    unknown = new_id()
    answer = await sync.sync(pool, bob, {hidden: 1, kept: 0, foreign: 0, unknown: 5})
    assert set(answer.left) == {hidden, foreign, unknown}
    assert set(answer.conversations) == {kept}
    [new] = await say(pool, hidden, ann)
    told = (await sync.sync(pool, bob, {hidden: 1})).conversations[hidden]
    assert (told.first_seq, seqs(told), told.unread_count) == (new.seq, [new.seq], 1)


async def test_only_what_moved_since_the_last_answer_is_told(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    quiet, busy = await conversation(pool, ann, bob), await conversation(pool, ann, bob, bounty_id="b")
    for room in (quiet, busy):
        await say(pool, room, ann, 2)
    first = await sync.sync(pool, ann, {quiet: 2, busy: 2})
    assert set(first.conversations) == {quiet, busy}, "without asOf all cursors"
    await cursors.advance(pool, [Cursor(busy, bob, delivered=2, read=1)])
    second = await sync.sync(pool, ann, {quiet: 2, busy: 2}, int(first.as_of))
    assert set(second.conversations) == {busy}
    told = second.conversations[busy]
    assert (told.events, told.delivered_up_to, told.read_up_to) == ([], 2, 1)


async def test_of_a_group_each_ones_cursors_are_told_so_that_receipts_can_complete_them(pool: Pool) -> None:
    [ann, bob, cid] = await people(pool, 3)
    group, pair = await conversation(pool, ann, bob, cid), await conversation(pool, ann, bob)
    await say(pool, group, ann, 3)
    await cursors.advance(pool, [Cursor(group, bob, delivered=3, read=2), Cursor(group, cid, delivered=1)])
    told = (await sync.sync(pool, ann, {})).conversations
    assert told[group].cursors == {bob: Reached(3, 2), cid: Reached(1, 0)}
    assert told[pair].cursors is None, "between two the least is the other's own"


async def test_of_a_big_group_only_the_least_cursor_is_told(pool: Pool) -> None:
    everybody = await people(pool, LIVE_PRESENCE_MEMBERS + 1)
    group = await conversation(pool, *everybody)
    assert (await sync.sync(pool, everybody[0], {})).conversations[group].cursors is None


@pytest.mark.parametrize("bounds", [Bounds(events=25), Bounds(bytes=9000), Bounds(chunk=7)])
async def test_an_answer_is_bounded_and_the_next_one_goes_on_where_it_ended(bounds: Bounds, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    rooms = [await conversation(pool, ann, bob, bounty_id=str(n)) for n in range(4)]
    for room in rooms:
        await messages.send(pool, room, [draft(ann) for _ in range(20)])
    phone = Phone(pool, bob, bounds=bounds)
    assert (await phone.catch_up() > 2) == (bounds.chunk > 7)
    assert {room: sorted(events) for room, events in phone.events.items()} == {
        room: list(range(1, 21)) for room in rooms
    }


async def test_a_missing_row_is_never_reported_as_success(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 5)
    await pool.execute("DELETE FROM messages WHERE seq = 3")
    answer = await sync.sync(pool, bob, {room: 1})
    told = answer.conversations[room]
    assert (seqs(told), told.last_seq, told.complete, answer.complete) == ([2], 2, False, False)
    logged = await read.events(pool, room, after=1, up_to=5)
    assert logged is not None
    assert ([event.seq for event in logged.events], logged.complete) == ([2], False)


async def test_a_sync_beside_writers_is_of_one_moment(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)

    async def talk() -> None:
        for turn in range(60):
            await say(pool, room, ann)
            await cursors.advance(pool, [Cursor(room, bob, read=turn)])

    writing = asyncio.create_task(talk())
    phone = Phone(pool, bob)
    while not writing.done():
        await phone.catch_up()
        for read_seq, unread, _, _ in phone.cursors.values():
            assert read_seq + unread == phone.last_seq[room]
    await writing
    await phone.catch_up()
    assert sorted(phone.events[room]) == list(range(1, 61))


async def test_the_log_gives_what_lies_between_two_seqs(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    sent = await say(pool, room, ann, 6)
    found = await read.events(pool, room, after=1, up_to=4)
    assert found is not None
    assert ([event.seq for event in found.events], found.last_seq, found.complete) == ([2, 3, 4], 6, True)
    assert orjson.loads(bytes(found.events[0].frame))["timestamp"] == sent[1].created_at
    assert found.events[0].sender_id == ann
    cut = await read.events(pool, room, after=0, up_to=6, limit=4)
    assert cut is not None
    assert ([event.seq for event in cut.events], cut.complete) == ([1, 2, 3, 4], False)
    ahead = await read.events(pool, room, after=6, up_to=9)
    assert ahead is not None
    assert (ahead.events, ahead.last_seq, ahead.complete) == ([], 6, False)
    assert await read.events(pool, new_id(), after=0, up_to=1) is None


async def test_heads_and_versions_are_read_together(pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 2)
    answer = await heads.heads(pool, [room, new_id()], [ann, new_id()])
    assert (answer.heads, answer.versions) == ({room: 2}, {ann: 1})
    assert answer.epoch == await pool.fetchval("SELECT epoch FROM meta")
