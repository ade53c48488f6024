"""Writers take their locks in one order: none of them ever waits for one that waits for it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement

import asyncpg
import pytest

from persistence.attachments.announcing import Announcement, announce
from persistence.attachments.avatars import wear
from persistence.attachments.collecting import Collector
from persistence.attachments.views import Announced
from persistence.blocks import store as blocks
from persistence.conversations import creating
from persistence.conversations import store as conversations
from persistence.conversations.views import Created
from persistence.database import retention
from persistence.database.pool import Pool, open_pool, transaction
from persistence.drafts import store as drafts
from persistence.groups import appointments, changes, joins, leaves
from persistence.groups.changes import Wanted
from persistence.groups.views import By
from persistence.invites import store as invites
from persistence.invites.views import NewInvite
from persistence.log import outbox, read
from persistence.log.append import NoConversation
from persistence.marks import store as marks
from persistence.members.views import Role
from persistence.messages import deletions, edits, sending_files
from persistence.messages import send as messages
from persistence.messages.expiry import erase
from persistence.messages.posting import Post, post
from persistence.messages.shapes import NewMessage
from persistence.messages.views import Carried, Sent, Source
from persistence.moderation import acts, reports
from persistence.moderation import commands as moderating
from persistence.moderation.acts import Done, Order
from persistence.moderation.reasons import ReportReason
from persistence.moderation.reports import Target
from persistence.profiles import store as profiles
from persistence.push import withdrawals
from persistence.receipts import cursors
from persistence.saved import store as saved
from persistence.scheduled import store as scheduled
from persistence.scheduled.due import claim, fail
from persistence.scheduled.views import Kept, Scheduled
from persistence.search import filling
from persistence.search import rows as search_rows
from persistence.server.people import set_active, upsert
from persistence.server.views import NewUser
from persistence.sync.sync import sync
from persistence.unread import store as unread
from shared.auth.caller import Actor
from shared.ids import new_id
from shared.streams import Cursor
from tests.integration.persistence.talk import draft, made, people
from tests.support.notes import note

USERS, ROOMS, GROUPS, AT_ONCE = 6, 8, 2, 6
EDITS = edits.EditRules(86_400.0, keep=True)


@dataclass
class Town:
    """Few people in many conversations, so that whatever is written meets something else."""

    pool: Pool
    users: list[str]
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    rooms: dict[int, str] = field(default_factory=dict)
    """The first ROOMS of them are of two people, the others groups of all."""

    def user(self) -> str:
        return self.dice.choice(self.users)

    def room(self) -> str:
        return self.dice.choice(list(self.rooms.values()))

    def group(self) -> str:
        return self.rooms[ROOMS + self.dice.randrange(GROUPS)]

    def some_rooms(self) -> list[str]:
        return self.dice.sample(list(self.rooms.values()), 5)


async def send(town: Town) -> None:
    """To several conversations, by several people, in one statement."""
    await messages.send_joined(town.pool, [(room, draft(town.user())) for room in town.some_rooms()])


async def send_many(town: Town) -> None:
    await messages.send(town.pool, town.room(), [draft(town.user()) for _ in range(5)])


async def report(town: Town) -> None:
    said = [Cursor(room, user, 50, 50, 50) for room in town.some_rooms() for user in town.users]
    town.dice.shuffle(said)
    await cursors.advance(town.pool, said)


async def hide(town: Town) -> None:
    await conversations.hide(town.pool, town.user(), town.room())


async def reopen(town: Town) -> None:
    """Of two: the one that they have; after a purge a new one."""
    await open_room(town, town.dice.randrange(ROOMS))


async def create(town: Town) -> None:
    await creating.create(town.pool, town.user(), town.dice.sample(town.users, 4), is_group=True)


async def purge(town: Town) -> None:
    await conversations.purge(town.pool, town.some_rooms()[:2])


async def append(town: Town) -> None:
    with contextlib.suppress(NoConversation):
        await note(town.pool, town.room(), town.user())


async def carry(town: Town) -> None:
    """Forwards of what stands elsewhere, that mention all and are gone at once."""
    rooms, user = town.some_rooms(), town.user()
    row = await town.pool.fetchrow(
        "SELECT conversation_id, id FROM messages WHERE conversation_id = ANY ($1::uuid[]) ORDER BY random()", rooms
    )
    forward = None if row is None else Source(row["conversation_id"], row["id"])
    carried = Carried(all=True, forward=forward, expires_in=1)
    await messages.send_joined(town.pool, [(room, draft(user, carried=carried)) for room in rooms])


async def erase_expired(town: Town) -> None:
    await town.pool.execute(
        "UPDATE messages SET expires_at = now() WHERE ctid = ANY (ARRAY("
        "SELECT ctid FROM messages WHERE deleted_at IS NULL LIMIT 5 FOR NO KEY UPDATE SKIP LOCKED))"
    )
    await erase(town.pool, 10)


async def delete(town: Town) -> None:
    """What somebody sent, for all."""
    row = await town.pool.fetchrow("SELECT conversation_id, sender_id, id FROM messages ORDER BY random() LIMIT 1")
    if row is not None:
        await deletions.delete_for_all(town.pool, row["conversation_id"], row["sender_id"], row["id"])


async def schedule(town: Town) -> None:
    """Something for now, which a worker claims, and something that is cancelled."""
    user, at = town.user(), datetime.now(UTC) + timedelta(seconds=60)
    for is_cancelled in (True, False):
        new = scheduled.New(new_id(), user, town.room(), at, Kept(NewMessage(text="later")), [])
        made = await scheduled.create(town.pool, new)
        if is_cancelled and isinstance(made, Scheduled):
            await scheduled.cancel(town.pool, user, made.id)
    await town.pool.execute("UPDATE scheduled SET due_at = now() WHERE user_id = $1 AND state = 'waiting'", user)
    for one in await claim(town.pool, 5, 1.0):
        await fail(town.pool, one, "forbidden")


async def post_silently(town: Town) -> None:
    await post(town.pool, town.room(), Post(draft(town.user()), by_nobody=False, silent=True))


async def post_of_nobody(town: Town) -> None:
    await post(town.pool, town.room(), Post(draft(town.user()), by_nobody=True, silent=False))


async def activate(town: Town) -> None:
    active = town.dice.random() < 0.5
    await set_active(town.pool, Actor("cli", "tests"), town.user(), active=active, request_id=None)


async def upsert_users(town: Town) -> None:
    await upsert(town.pool, [NewUser(user, "x" * town.dice.randrange(1, 9), "1") for user in town.users])


async def edit_and_delete(town: Town) -> None:
    """The newest message of a conversation, by whoever wrote it."""
    newest = "SELECT id, sender_id FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 1"
    room = town.room()
    if (row := await town.pool.fetchrow(newest, room)) is not None:
        with contextlib.suppress(NoConversation):
            await edits.edit(town.pool, room, row["sender_id"], row["id"], edits.Edit(text="other"), EDITS)
            await deletions.delete_for_all(town.pool, room, row["sender_id"], row["id"])


async def relay(town: Town) -> None:
    """As a relay does: the rows of the outbox are held while the messages are read, and then deleted."""
    async with transaction(town.pool) as connection:
        keys = [(one.conversation_id, one.seq) for one in await outbox.overdue(connection, 0, 200)]
        events = (await read.by_seq(connection, keys, {})).logged
        await search_rows.follow(connection, events)
        await withdrawals.follow(connection, events)
        await outbox.settle(connection, keys)


async def fill_search(town: Town) -> None:
    await filling.restart(town.pool)
    await filling.fill(town.pool, 100)


async def expire(town: Town) -> None:
    await retention.sweep(town.pool)


async def catch_up(town: Town) -> None:
    await sync(town.pool, town.user(), {})


async def block(town: Town) -> None:
    await blocks.block(town.pool, *town.dice.sample(town.users, 2))


async def unblock(town: Town) -> None:
    await blocks.unblock(town.pool, *town.dice.sample(town.users, 2))


async def own_things(town: Town) -> None:
    """A draft, a saved message, a mark and a name, each in a transaction of its own."""
    room, user = town.room(), town.user()
    await drafts.put(town.pool, room, user, drafts.Wanted(new_id(), None, (), datetime.now(UTC)))
    message_id = await town.pool.fetchval("SELECT id FROM messages WHERE conversation_id = $1 LIMIT 1", room)
    await saved.save(town.pool, user, message_id or new_id())
    await marks.mark(town.pool, room, user, town.dice.choice(list(marks.Mark)), on=town.dice.random() < 0.5)
    await profiles.change(town.pool, user, profiles.Change(display_name=new_id()), wear)


async def ready_file(town: Town, user: str, room: str | None) -> str:
    kind = "file" if room else "avatar"
    given = Announcement(room, new_id(), kind, "a", "text/plain", 1)
    announced = await announce(town.pool, user, given, user_bytes=10**9)
    if not isinstance(announced, Announced):
        return new_id()
    await town.pool.execute("UPDATE attachments SET state = 'ready' WHERE id = $1", announced.upload.id)
    return announced.upload.id


async def send_files(town: Town) -> None:
    room, user = town.room(), town.user()
    files = [await ready_file(town, user, room) for _ in range(2)]
    given = draft(user)
    outcome = await sending_files.send(town.pool, room, given, sending_files.Attached(files, "https://x"))
    if isinstance(outcome, Sent):
        await edits.edit(
            town.pool, room, user, given.id, edits.Edit(files=(files[0],)), edits.EditRules(60.0, keep=True)
        )
        await deletions.delete_for_all(town.pool, room, user, given.id)


async def wear_picture(town: Town) -> None:
    user = town.user()
    avatar = await ready_file(town, user, None)
    chosen = profiles.Change(chooses_avatar=True, avatar=avatar, avatar_url="https://x")
    await profiles.change(town.pool, user, chosen, wear)


async def collect(town: Town) -> None:
    await town.pool.execute(
        "UPDATE attachments SET expires_at = now() WHERE ctid = ANY (ARRAY("
        "SELECT ctid FROM attachments WHERE message_seq IS NULL LIMIT 3 FOR UPDATE SKIP LOCKED))"
    )
    collector = Collector(town.pool, grace_days=7)
    await collector.expire()
    await collector.collected(*await collector.garbage(100))


async def read_all(town: Town) -> None:
    user = town.user()
    async for _ in unread.read_all(town.pool, user):
        pass
    async for _ in unread.unmark_all(town.pool, user):
        pass


def by(town: Town) -> By:
    return By(town.user(), is_server=True)


async def come_in(town: Town) -> None:
    await joins.add(town.pool, town.group(), by(town), town.dice.sample(town.users, 4))


async def go(town: Town) -> None:
    await leaves.remove(town.pool, town.group(), by(town), town.user())


async def govern(town: Town) -> None:
    role = town.dice.choice(list(Role))
    await appointments.appoint(town.pool, town.group(), by(town), town.user(), role)
    slow = {"slow_seconds": town.dice.choice([0, 5])}
    await changes.change(town.pool, town.group(), by(town), Wanted(name=new_id(), settings=slow))


async def invite(town: Town) -> None:
    link = await invites.create(town.pool, town.group(), by(town), seconds=60, max_uses=None)
    if isinstance(link, NewInvite):
        await invites.use(town.pool, town.user(), link.token)


ORDER = Order(Actor("cli", "tests"), "a reason")


async def some_message(town: Town) -> tuple[str, str] | None:
    row = await town.pool.fetchrow("SELECT id, conversation_id FROM messages ORDER BY random() LIMIT 1")
    return None if row is None else (row["id"], row["conversation_id"])


async def complain(town: Town) -> None:
    found = await some_message(town)
    if found is not None:
        await reports.report(town.pool, town.user(), Target(*found), ReportReason.SPAM, None)


async def silence(town: Town) -> None:
    """In all conversations of one's."""
    done = Done.nothing()
    async with transaction(town.pool) as connection:
        await acts.mute(connection, ORDER, town.user(), None, datetime.now(UTC), done)


async def ban(town: Town) -> None:
    user = town.user()
    await moderating.ban(town.pool, ORDER, user, None)
    await moderating.unban(town.pool, ORDER, user)


async def remove_as_moderator(town: Town) -> None:
    found = await some_message(town)
    if found is not None:
        await moderating.delete(town.pool, ORDER, found[0])


WRITERS: Mapping[str, Callable[[Town], Awaitable[None]]] = {
    one.__name__: one
    for one in (
        send, send_many, carry, erase_expired, delete, schedule, edit_and_delete, relay, fill_search,
        report, hide, reopen, create, purge, append, expire, catch_up, block, unblock,
        post_silently, post_of_nobody, activate, upsert_users, own_things, read_all,
        come_in, go, govern, invite, complain, silence, ban, remove_as_moderator,
        send_files, wear_picture, collect,
    )
}  # fmt: skip


async def open_room(town: Town, number: int) -> None:
    pair = [town.users[number % 2], town.users[2 + number % 3]]
    opened = await creating.create(town.pool, pair[0], pair, bounty_id=str(number))
    if isinstance(opened, Created):
        town.rooms[number] = opened.conversation.id


async def forget_blocks(town: Town) -> None:
    for row in await town.pool.fetch("SELECT blocker_id, blocked_id FROM blocks"):
        await blocks.unblock(town.pool, row["blocker_id"], row["blocked_id"])


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Town]:
    pool = await open_pool(database_url, size=2 * AT_ONCE)
    town = Town(pool, await people(pool, USERS))
    yield town
    await pool.close()


async def deadlocks(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await connection.fetchval(counted))
    finally:
        await connection.close()


async def test_no_two_writers_wait_for_each_other(town: Town, database_url: str) -> None:
    before = await deadlocks(database_url)
    for one, other in combinations_with_replacement(WRITERS, 2):
        await forget_blocks(town)
        for number in range(ROOMS):
            await open_room(town, number)
        for number in range(GROUPS):
            group = await made(town.pool, town.users[0], town.users, is_group=True)
            town.rooms[ROOMS + number] = group.conversation.id
        await town.pool.execute("UPDATE cursor_moves SET moved_at = now() - interval '3 days'")
        both = [WRITERS[name](town) for _ in range(AT_ONCE) for name in (one, other)]
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert [each for each in outcomes if each is not None] == [], f"{one} against {other}"

    await town.pool.close()  # what a session counted is seen by others when it ends, at the latest
    assert await deadlocks(database_url) == before
