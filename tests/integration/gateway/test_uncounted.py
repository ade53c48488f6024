"""Events that are no message: what the flags of their envelopes mean to a gateway. The bytes are as persistence's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import orjson

from gateway.forwarding.uncounted import LARGEST_FRAME_BYTES
from shared import keys
from shared.redis import open_redis
from shared.wire import Kind, event_flags, pack, pack_removed
from tests.integration.gateway.world import OwnSite, World
from tests.integration.rest.conftest import Person
from tests.support.waiting import eventually


class Writer:
    """Publishes events of one conversation that no message are, as the relay of a later release might."""

    def __init__(self, parley: World, epoch: str, conversation: str) -> None:
        self._redis = open_redis(parley.redis_url)
        self._epoch = epoch
        self._conversation = conversation

    async def note(
        self, seq: int, sender: str, *, removed: Sequence[str] = (), people: int = 0, words: str = ""
    ) -> None:
        told = {"type": "test.note", "conversationId": self._conversation, "seq": seq, "words": words}
        frame = orjson.dumps(told)
        envelope = pack(
            Kind.REMOVED if removed else Kind.DURABLE,
            pack_removed(removed, frame) if removed else frame,
            flags=event_flags(False, people),
            seq=seq,
            sender=sender,
            epoch=self._epoch,
        )
        await self._redis.execute_command("SPUBLISH", keys.room(self._conversation), envelope)

    async def close(self) -> None:
        await self._redis.aclose()


@asynccontextmanager
async def writing(parley: World, database_url: str, conversation: str) -> AsyncIterator[Writer]:
    connection = await asyncpg.connect(database_url)
    epoch = str(await connection.fetchval("SELECT epoch FROM meta"))
    await connection.close()
    writer = Writer(parley, epoch, conversation)
    try:
        yield writer
    finally:
        await writer.close()


async def test_an_event_reaches_its_author_who_never_acknowledges_and_ends_no_typing(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone, bens = await site.connect(ann, acks=False), await site.connect(ben)
    await phone.say("typing", conversationId=conversation, isTyping=True)
    await bens.next("typing.start")
    async with writing(parley, database_url, conversation) as writer:
        await writer.note(1, ann.id)
        assert (await phone.next("test.note"))["seq"] == 1
        await bens.next("test.note")
    assert [frame["type"] for frame in await bens.silence()] == []


async def test_an_event_is_not_for_who_hides_the_conversation_and_does_not_bring_it_back(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    await ben.send(conversation, "hello")
    phone, bens = await site.connect(ann), await site.connect(ben)
    await ann.delete(f"/api/conversations/{conversation}")
    await phone.next("conversation.left")
    async with writing(parley, database_url, conversation) as writer:
        await writer.note(2, ben.id)
        await bens.next("test.note")
    assert await phone.silence() == []


async def test_who_is_removed_gets_the_event_that_says_so_and_nothing_after_it(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben, cid)
    phones = [await site.connect(person) for person in (ann, ben, cid)]
    async with writing(parley, database_url, conversation) as writer:
        await asyncio.gather(
            writer.note(1, ann.id, removed=[cid.id], people=2), writer.note(2, ann.id, words="for two")
        )
        for phone in phones[:2]:
            assert [(await phone.next("test.note"))["seq"] for _ in range(2)] == [1, 2]
        assert (await phones[2].next("test.note"))["seq"] == 1
        assert [frame for frame in await phones[2].silence() if frame["type"] == "test.note"] == []
    room = site.gateway._hub.room(conversation)
    assert room is not None
    assert room.people == 2


async def test_who_was_removed_by_a_word_that_the_list_contradicts_is_found_in_the_room_again(
    parley: World, site: OwnSite, database_url: str
) -> None:
    """Removed and added again, and only the first of both arrived late."""
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben, cid)
    phone = await site.connect(cid)
    async with writing(parley, database_url, conversation) as writer:
        await writer.note(1, ann.id, removed=[cid.id])
        await phone.next("test.note")
    assert (await phone.next("conversation.new"))["conversationId"] == conversation


async def test_a_frame_that_would_overflow_a_phone_is_told_as_a_sync(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    async with writing(parley, database_url, conversation) as writer:
        await writer.note(1, ann.id, words="x" * 1024 * 1024)
        assert (await phone.next())["type"] == "sync"
        await writer.note(2, ann.id, words="x" * (LARGEST_FRAME_BYTES - 1024))
        assert (await phone.next("test.note"))["seq"] == 2


async def test_a_gap_names_who_left_before_anything_of_it_is_forwarded(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben, cid)
    _, phone = await site.connect(ben), await site.connect(cid)
    await leave_behind_the_scenes(database_url, conversation, cid)
    room = site.gateway._hub.room(conversation)
    assert room is not None
    room.expect(1, 0.0)  # as if the next event had been lost
    async with writing(parley, database_url, conversation) as writer:
        await writer.note(2, ann.id)  # out of order: it waits for what is missing

    async def is_out() -> bool:
        return len(room.members) == 1

    await eventually(is_out)
    assert [frame for frame in await phone.silence() if frame["type"] == "test.note"] == []


async def leave_behind_the_scenes(database_url: str, conversation: str, person: Person) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "UPDATE participants SET left_at = now() WHERE conversation_id = $1 AND user_id = $2", conversation, person.id
    )
    await connection.execute("UPDATE users SET version = version + 1 WHERE id = $1", person.id)
    await connection.close()


async def test_a_finished_frame_for_a_user_reaches_all_of_their_devices(parley: World, site: OwnSite) -> None:
    ann = parley.person("ann")
    phones = [await site.connect(ann), await site.connect(ann, acks=False)]
    redis = open_redis(parley.redis_url)
    await redis.execute_command("SPUBLISH", keys.user(ann.id), pack(Kind.USER_FRAME, b'{"type":"call.ringing"}'))
    await redis.aclose()
    for phone in phones:
        assert await phone.next("call.ringing") == {"type": "call.ringing"}
