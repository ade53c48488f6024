"""From a request to the gateways: what is sent, joined, hidden and read is published, and its outbox row is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import orjson
import pytest

from persistence.conversations import announcing
from persistence.conversations import store as conversations
from persistence.conversations.views import Hidden
from persistence.database.pool import Pool
from persistence.log import read
from persistence.members.views import NotAMember
from persistence.messages.logged import logged_message
from persistence.messages.queue import Overloaded
from persistence.messages.views import Repeated, Sent
from persistence.receipts import cursors
from persistence.typing import routes as typing
from services.embedded import EmbeddedRedis
from shared import keys, wire
from shared.presence import PresenceReader
from shared.streams import Cursor, Deadline, GatewayStats, Undelivered
from shared.undelivered import BULK_USERS, PROMPT_RECIPIENTS, WINDOW_SECONDS
from shared.wire import Kind
from tests.integration.persistence.parts import Parts, listening, parts, soon
from tests.integration.persistence.talk import conversation, draft, made, people, phones, say
from tests.support.waiting import eventually


@pytest.fixture
async def process(pool: Pool, redis_url: str) -> AsyncIterator[Parts]:
    async with parts(pool, redis_url) as process, process.running():
        yield process


async def outbox_is_empty(pool: Pool, table: str = "outbox") -> bool:
    return not await pool.fetchval(f"SELECT count(*) FROM {table}")


async def go_online(process: Parts, user_id: str, gateway: str = "g1") -> None:
    stats = msgspec.json.encode(GatewayStats(1, 1, 1, 0))
    await process.redis.set(keys.lease(gateway), stats, px=60_000)
    await process.redis.zadd(keys.GATEWAYS, {gateway: 2**50})
    await process.redis.hset(keys.presence(user_id), gateway, "1")
    assert await PresenceReader(process.redis, str).online([user_id]) == {user_id}


async def undelivered(process: Parts, stream: str = keys.UNDELIVERED) -> list[Undelivered]:
    entries: Any = await process.redis.xrange(stream)
    return [msgspec.json.decode(fields[b"message"], type=Undelivered) for _, fields in entries]


async def deadlines(process: Parts) -> list[Deadline]:
    members: Any = await process.redis.zrange(keys.DEADLINES, 0, -1)
    return [msgspec.json.decode(member, type=Deadline) for member in members]


async def test_a_sent_message_is_published_as_the_frame_that_the_log_gives(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    async with listening(redis_url, keys.room(room)) as ear:
        outcome = await process.queue.send(room, draft(ann, "hello", client_id="c1"))
        await eventually(lambda: len(ear.envelopes) == 1)

    assert isinstance(outcome, Sent)
    [envelope] = ear.of(Kind.DURABLE)
    assert (envelope.seq, wire.sender_text(envelope.sender)) == (1, ann)
    assert wire.sender_text(envelope.epoch) == process.epoch
    logged = await read.events(pool, room, after=0, up_to=1)
    assert logged is not None
    assert bytes(logged.events[0].frame) == envelope.frame
    frame = orjson.loads(envelope.frame)
    assert frame["messageId"] == outcome.message.id
    assert (frame["type"], frame["text"], frame["clientId"], frame["senderHandle"]) == (
        "message.new",
        "hello",
        "c1",
        "user1",
    )


async def test_after_its_publication_a_message_leaves_the_outbox(process: Parts, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await asyncio.gather(*(process.queue.send(room, draft(ann)) for _ in range(40)))
    await eventually(lambda: outbox_is_empty(pool))


async def test_who_is_offline_is_undelivered_at_once_and_who_is_online_has_a_deadline(
    process: Parts, pool: Pool
) -> None:
    [ann, bob, cid] = await people(pool, 3)
    room = await conversation(pool, ann, bob, cid)
    await phones(pool, ann, bob, cid)
    await go_online(process, bob)
    await go_online(process, ann)

    outcome = await process.queue.send(room, draft(ann))
    await eventually(lambda: outbox_is_empty(pool))

    assert isinstance(outcome, Sent)
    [entry] = await undelivered(process)
    assert (entry.users, entry.message_id, entry.seq, entry.sender_id) == ([cid], outcome.message.id, 1, ann)
    [deadline] = await deadlines(process)
    assert (deadline.conversation_id, deadline.seq, deadline.message_id) == (room, 1, outcome.message.id)
    assert deadline.at_ms == entry.at_ms


async def test_a_message_that_all_online_people_get_is_not_undelivered(process: Parts, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await phones(pool, bob)
    await go_online(process, bob)
    await process.queue.send(room, draft(ann))
    await eventually(lambda: outbox_is_empty(pool))
    assert await undelivered(process) == []
    assert len(await deadlines(process)) == 1


async def test_who_has_no_device_costs_no_entry_and_no_deadline(process: Parts, pool: Pool) -> None:
    [ann, bob, cid, *others] = await people(pool, 9)
    room = await conversation(pool, ann, bob, cid, *others)
    await phones(pool, ann, bob)
    await go_online(process, cid)

    await process.queue.send(room, draft(ann))
    await eventually(lambda: outbox_is_empty(pool))

    assert [entry.users for entry in await undelivered(process)] == [[bob]]
    assert await deadlines(process) == []


async def test_a_senders_sixty_first_recipient_in_a_minute_waits_behind_what_others_send(
    process: Parts, pool: Pool
) -> None:
    [ann, bob, *crowd] = await people(pool, 82)
    group, pair = await conversation(pool, ann, *crowd), await conversation(pool, bob, ann)
    await phones(pool, ann, *crowd)

    for _ in range(2):
        await process.queue.send(group, draft(ann))
    await process.queue.send(pair, draft(bob))
    await eventually(lambda: outbox_is_empty(pool))

    prompt, bulk = await undelivered(process), await undelivered(process, keys.UNDELIVERED_BULK)
    assert sum(len(entry.users) for entry in prompt if entry.sender_id == ann) == PROMPT_RECIPIENTS
    assert [entry.users for entry in prompt if entry.sender_id == bob] == [[ann]]
    assert max(len(entry.users) for entry in bulk) == BULK_USERS
    told = [(entry.seq, user) for entry in (*prompt, *bulk) if entry.sender_id == ann for user in entry.users]
    assert sorted(told) == sorted((seq, user) for seq in (1, 2) for user in crowd), "each once, in one of the two"


async def test_a_sender_has_a_new_share_after_a_minute(process: Parts, pool: Pool) -> None:
    [ann, *crowd] = await people(pool, 71)
    group = await conversation(pool, ann, *crowd)
    await phones(pool, *crowd)
    await process.queue.send(group, draft(ann))
    await eventually(lambda: outbox_is_empty(pool))
    share = keys.push_share(ann)
    assert 0 < await process.redis.ttl(share) <= WINDOW_SECONDS

    await process.redis.delete(share)
    await process.queue.send(group, draft(ann))
    await eventually(lambda: outbox_is_empty(pool))

    assert [len(entry.users) for entry in await undelivered(process)] == [PROMPT_RECIPIENTS] * 2


async def test_everyone_in_a_new_conversation_hears_of_it_as_it_stands_in_their_list(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    async with listening(redis_url, keys.user(ann), keys.user(bob)) as ear:
        created = await made(pool, ann, [bob])
        await announcing.joined(process.memberships, created)
        await eventually(lambda: len(ear.envelopes) == 2)
    for envelope in ear.of(Kind.JOINED):
        membership = msgspec.json.decode(envelope.frame, type=wire.Membership)
        assert (envelope.seq, membership.conversation_id, membership.members) == (1, created.conversation.id, 2)
        assert bytes(membership.conversation) == msgspec.json.encode(created.conversation)
    await eventually(lambda: outbox_is_empty(pool, "user_outbox"))


async def test_who_makes_a_group_hears_that_it_is_theirs_and_the_others_that_it_is_not(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    for owner, other in ((ann, bob), (bob, ann)):
        async with listening(redis_url, keys.user(owner)) as owners, listening(redis_url, keys.user(other)) as others:
            await announcing.joined(process.memberships, await made(pool, owner, [other], is_group=True))
            await eventually(lambda: len(owners.envelopes) == len(others.envelopes) == 1)
        told = [msgspec.json.decode(ear.envelopes[0].frame) for ear in (owners, others)]
        assert [one["conversation"]["role"] for one in told] == ["owner", "member"]


async def test_hiding_and_purging_are_told_with_the_next_version(process: Parts, pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, bob, 3)
    async with listening(redis_url, keys.user(ann)) as ear:
        hidden = await conversations.hide(pool, ann, room)
        assert isinstance(hidden, Hidden)
        announcing.hidden(process.memberships, room, hidden)
        [gone] = await conversations.purge(pool, [room])
        process.memberships.left(room, gone.left)
        await eventually(lambda: len(ear.envelopes) == 2)
    assert [(envelope.kind, envelope.seq) for envelope in ear.envelopes] == [(Kind.HIDDEN, 2), (Kind.LEFT, 3)]
    assert msgspec.json.decode(ear.envelopes[0].frame, type=wire.Membership).hidden_seq == 3


async def test_a_receipt_that_redis_did_not_take_is_told_when_it_is_back(pool: Pool, own_redis: EmbeddedRedis) -> None:
    """By REST: the receipts stream keeps its own."""
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    await say(pool, room, ann, 2)
    async with parts(pool, own_redis.url) as process, process.running("publisher"):
        await own_redis.stop()
        process.announcer.tell(await cursors.advance(pool, [Cursor(room, bob, read=2)]))
        await eventually(lambda: process.publisher._failing)
        await own_redis.start()
        async with listening(own_redis.url, keys.room(room)) as ear:

            async def is_told() -> bool:
                await process.announcer.repeat()
                return [frame["seq"] for frame in ear.frames(Kind.RECEIPT)] == [2]

            await eventually(is_told)


async def test_receipts_and_typing_reach_the_room(process: Parts, pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    [_, second] = await say(pool, room, ann, 2)
    async with listening(redis_url, keys.room(room)) as ear:
        process.announcer.tell(await cursors.advance(pool, [Cursor(room, bob, delivered=2, read=1)]))
        process.delivery.offer(typing.envelope(room, bob, "bob", is_typing=True, epoch=process.epoch))
        await eventually(lambda: len(ear.envelopes) == 3)
    delivered, read = ear.frames(Kind.RECEIPT)
    assert (delivered["type"], delivered["seq"], delivered["messageId"]) == ("message.delivered", 2, second.id)
    assert (read["type"], read["seq"], read["senderId"], read["status"]) == ("message.read", 1, bob, "read")
    [started] = ear.of(Kind.TYPING_START)
    assert wire.sender_text(started.sender) == bob


async def test_messages_that_wait_for_one_conversation_are_published_in_their_order(
    process: Parts, pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    async with listening(redis_url, keys.room(room)) as ear:
        outcomes = await asyncio.gather(*(process.queue.send(room, draft((ann, bob)[n % 2])) for n in range(300)))
        await eventually(lambda: len(ear.envelopes) == 300)
    assert ear.seqs() == list(range(1, 301))
    assert [outcome.message.seq for outcome in outcomes if isinstance(outcome, Sent)] == list(range(1, 301))


async def test_what_a_queue_joins_is_answered_alone(process: Parts, pool: Pool) -> None:
    [ann, bob, eve] = await people(pool, 3)
    room = await conversation(pool, ann, bob)
    drafts = [draft(ann, client_id="c1"), draft(eve), draft(bob), draft(ann, client_id="c1")]
    outcomes = await asyncio.gather(*(process.queue.send(room, each) for each in drafts))
    assert [type(outcome) for outcome in outcomes] == [Sent, NotAMember, Sent, Repeated]


async def test_a_draft_that_postgres_refuses_fails_alone(process: Parts, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    drafts = [draft(ann), draft(ann), draft(bob, "nul \0 inside"), draft(bob)]
    outcomes = await asyncio.gather(*(process.queue.send(room, each) for each in drafts), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Sent, Sent, asyncpg.CharacterNotInRepertoireError, Sent]


async def test_a_queue_that_is_too_long_refuses_at_once(pool: Pool, redis_url: str) -> None:
    async with parts(pool, redis_url) as process:
        [ann, bob] = await people(pool, 2)
        room = await conversation(pool, ann, bob)
        waiting = [asyncio.create_task(process.queue.send(room, draft(ann))) for _ in range(5000)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await process.queue.send(room, draft(ann))
        for task in waiting:
            task.cancel()


async def test_a_sender_who_goes_away_takes_nobody_along(process: Parts, pool: Pool) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    tasks = [asyncio.create_task(process.queue.send(room, draft(ann))) for _ in range(20)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[7].cancel()
    outcomes = await soon(asyncio.gather(*tasks, return_exceptions=True))
    assert sum(isinstance(outcome, Sent) for outcome in outcomes) == 18


async def test_without_redis_a_send_is_committed_and_waits_in_the_outbox(pool: Pool) -> None:
    async with (
        parts(pool, "redis://127.0.0.1:1/0") as process,
        process.running("publisher", "settling", "queue"),
    ):
        [ann, bob] = await people(pool, 2)
        room = await conversation(pool, ann, bob)
        outcome = await soon(process.queue.send(room, draft(ann)))
        assert isinstance(outcome, Sent)
        assert await read.by_seq(pool, [(room, 1)], {}) == read.Found([logged_message(outcome.message)], [])
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 1
