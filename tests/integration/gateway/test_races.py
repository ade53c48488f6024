"""The races of a connect and of what Redis loses without a trace, each held open until it has happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
from prometheus_client import REGISTRY

from shared import keys
from shared.ids import new_id
from shared.redis import RedisClient, open_redis
from shared.wire import Kind, pack
from tests.integration.gateway.test_faults import is_ready, through_a_proxy, unpublished
from tests.integration.gateway.test_memberships import conversation_behind_the_scenes
from tests.integration.gateway.world import OwnSite, Phone, World
from tests.integration.rest.conftest import Person
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import eventually


@dataclass
class Held:
    """A gateway whose answers from persistence, and whose confirmations from Redis, can be held back."""

    site: OwnSite
    persistence: FaultProxy
    link: FaultProxy
    redis: RedisClient

    def newcomers(self) -> int:
        """Sessions that are in a room, and do not know its head yet."""
        return sum(len(room.newcomers or ()) for room in self.site.gateway._hub.rooms.values())

    async def is_subscribed(self, channel: str) -> bool:
        """Redis has it, whether or not the gateway has heard so."""
        answer = await self.redis.execute_command("PUBSUB", "SHARDNUMSUB", channel)
        return bool(answer[1])


@asynccontextmanager
async def held(parley: World) -> AsyncIterator[Held]:
    port = urlsplit(parley.persistence_url).port
    assert port is not None
    redis = open_redis(parley.redis_url)
    async with FaultProxy("127.0.0.1", port) as persistence, through_a_proxy(parley.redis_url) as (link, url):
        site = await parley.gateway(redis_url=url, persistence_url=f"http://127.0.0.1:{persistence.port}")
        await eventually(lambda: is_ready(site))
        yield Held(site, persistence, link, redis)
    await redis.aclose()


async def until_the_list_is_read(gateway: Held, person: Person) -> "asyncio.Task[Phone]":
    """Their connect, which has not heard yet which conversations are theirs: heal the persistence link, and it does."""
    lists = asked("sessions")
    gateway.persistence.stall("down")
    connecting = asyncio.create_task(gateway.site.connect(person))
    await eventually(lambda: asked("sessions") > lists)
    return connecting


def asked(query: str) -> float:
    """How often Postgres has answered this question."""
    return REGISTRY.get_sample_value("parley_persistence_query_seconds_count", {"query": query}) or 0.0


async def test_a_conversation_made_after_the_list_was_read_and_before_connected_is_joined(parley: World) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    async with held(parley) as gateway:
        connecting = await until_the_list_is_read(gateway, ben)
        conversation = await ann.start(ben)
        gateway.persistence.heal()
        phone = await connecting

        assert phone.frames[0]["conversationIds"] == []
        assert (await phone.next("conversation.new"))["conversationId"] == conversation
        await ann.send(conversation, "hello")
        assert await phone.messages(1) == [1]


async def test_a_conversation_of_which_nobody_was_told_in_that_moment_is_found_by_its_version(
    parley: World, database_url: str
) -> None:
    """As if Redis had lost the word of it, and nothing came after."""
    ann, ben = parley.person("ann"), parley.person("ben")
    async with held(parley) as gateway:
        connecting = await until_the_list_is_read(gateway, ben)
        conversation = await conversation_behind_the_scenes(database_url, ann.id, ben.id)
        gateway.persistence.heal()
        phone = await connecting

        assert phone.frames[0]["conversationIds"] == []
        assert (await phone.next("conversation.new"))["conversationId"] == conversation


async def test_a_conversation_that_is_gone_before_a_device_has_come_into_it_is_left(
    parley: World, database_url: str
) -> None:
    """The word of its end is lost; and the device may have it from a list that it asked for meanwhile."""
    ann, ben = parley.person("ann"), parley.person("ben")
    async with held(parley) as gateway:
        phone = await gateway.site.connect(ben)
        gateway.persistence.stall("up")
        conversation = await ann.start(ben)
        await eventually(lambda: gateway.is_subscribed(keys.room(conversation)))
        await end_behind_the_scenes(database_url, conversation)
        gateway.persistence.heal()

        assert (await phone.next("conversation.left"))["conversationId"] == conversation
        assert not [frame for frame in phone.frames if frame["type"] == "conversation.new"]


async def end_behind_the_scenes(database_url: str, conversation_id: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM participants WHERE conversation_id = $1", conversation_id)
    await connection.execute("DELETE FROM conversations WHERE id = $1", conversation_id)
    await connection.close()


async def test_an_event_between_the_heads_and_connected_follows_them(parley: World) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    async with held(parley) as gateway:
        connecting = await until_the_list_is_read(gateway, ben)
        gateway.link.stall("down")
        gateway.persistence.heal()
        await eventually(lambda: gateway.is_subscribed(keys.room(conversation)))
        heads = asked("heads")
        gateway.persistence.stall("down")
        gateway.link.heal()
        await eventually(lambda: asked("heads") > heads)
        for text in ("one", "two"):
            await ann.send(conversation, text)
        gateway.persistence.heal()
        phone = await connecting

        head = phone.frames[0]["heads"][conversation]
        assert await phone.messages(2 - head) == list(range(head + 1, 3))
        assert not [frame for frame in await phone.silence() if frame["type"] == "message.new"]


async def test_an_event_before_the_room_is_confirmed_is_within_the_heads_and_does_not_come_again(
    parley: World,
) -> None:
    """Heads that were read before the confirmation would lack it, and nothing would bring it."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    async with held(parley) as gateway:
        connecting = await until_the_list_is_read(gateway, ben)
        gateway.link.stall("up")
        gateway.persistence.heal()
        await asyncio.sleep(0.2)  # what would read the heads too early does so now
        await ann.send(conversation, "unheard: nobody is subscribed")
        assert not await gateway.is_subscribed(keys.room(conversation))
        gateway.link.heal()
        phone = await connecting

        assert phone.frames[0]["heads"] == {conversation: 1}
        await ann.send(conversation, "heard")
        assert await phone.messages(1) == [2]


async def test_who_comes_into_a_busy_room_gets_what_it_forwarded_between_the_heads_and_connected(
    parley: World,
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    async with held(parley) as gateway:
        sender = await gateway.site.connect(ann)
        connecting = await until_the_heads_are_asked_for(gateway, ben)
        heads = asked("heads")
        gateway.persistence.stall("down")
        gateway.persistence.flow("up")
        await eventually(lambda: asked("heads") > heads)
        await ann.send(conversation, "one")
        assert await sender.messages(1) == [1]
        gateway.persistence.heal()
        phone = await connecting

        assert phone.frames[0]["heads"] == {conversation: 0}
        assert await phone.messages(1) == [1]


async def test_who_comes_into_a_busy_room_does_not_get_again_what_lies_below_its_head(parley: World) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    async with held(parley) as gateway:
        sender = await gateway.site.connect(ann)
        connecting = await until_the_heads_are_asked_for(gateway, ben)
        await ann.send(conversation, "one")
        assert await sender.messages(1) == [1]
        gateway.persistence.heal()
        phone = await connecting

        assert phone.frames[0]["heads"] == {conversation: 1}
        assert not [frame for frame in await phone.silence() if frame["type"] == "message.new"]


async def until_the_heads_are_asked_for(gateway: Held, person: Person) -> "asyncio.Task[Phone]":
    """Their connect has come into its rooms, and its question for the heads is held on the way."""
    connecting = await until_the_list_is_read(gateway, person)
    gateway.persistence.stall("up")
    gateway.persistence.flow("down")
    await eventually(lambda: bool(gateway.newcomers()))
    return connecting


async def test_the_last_message_of_a_quiet_room_is_found_without_a_later_one(parley: World, database_url: str) -> None:
    site = await parley.gateway(check_seconds=0.5)
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    await unpublished(database_url, conversation, ann, 1)
    assert await phone.messages(1) == [1]


async def test_a_lost_conversation_new_and_a_lost_left_are_found_without_a_later_one(
    parley: World, database_url: str
) -> None:
    site = await parley.gateway(check_seconds=0.5)
    ann, ben = parley.person("ann"), parley.person("ben")
    phone = await site.connect(ann)
    conversation = await conversation_behind_the_scenes(database_url, ann.id, ben.id)
    assert (await phone.next("conversation.new"))["conversationId"] == conversation
    await ben.send(conversation, "hello")
    assert await phone.messages(1) == [1]
    await leave_behind_the_scenes(database_url, conversation, ann.id)
    assert (await phone.next("conversation.left"))["conversationId"] == conversation
    await ben.send(conversation, "not for you")
    assert not [frame for frame in await phone.silence() if frame["type"] == "message.new"]


async def leave_behind_the_scenes(database_url: str, conversation_id: str, user_id: str) -> None:
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute(
            "UPDATE participants SET left_at = now() WHERE conversation_id = $1 AND user_id = $2",
            conversation_id,
            user_id,
        )
        await connection.execute("UPDATE users SET version = version + 1 WHERE id = $1", user_id)
    await connection.close()


async def test_an_event_that_looked_like_another_history_is_brought_also_within_a_second_of_the_last_doubt(
    parley: World, site: OwnSite, database_url: str
) -> None:
    """As after a restore, while one persistence process has not yet heard of the new epoch."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    redis = open_redis(parley.redis_url)
    foreign = pack(Kind.DURABLE, b"{}", seq=1, sender=ann.id, epoch=new_id())
    heads = asked("heads")
    await redis.execute_command("SPUBLISH", keys.room(conversation), foreign)
    await eventually(lambda: asked("heads") > heads)
    await unpublished(database_url, conversation, ann, 1)
    await redis.execute_command("SPUBLISH", keys.room(conversation), foreign)
    assert await phone.messages(1) == [1]
    await redis.aclose()


async def test_a_log_that_lost_its_end_under_the_same_epoch_is_told_as_sync_and_goes_on_live(
    parley: World, database_url: str
) -> None:
    """A restore after which nobody rotated the epoch: what can still be noticed is."""
    site = await parley.gateway(check_seconds=0.5)
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    for text in ("kept", "lost"):
        await ann.send(conversation, text)
    assert await phone.messages(2) == [1, 2]
    connection = await asyncpg.connect(database_url)
    await eventually(lambda: is_settled(connection))
    await connection.execute("DELETE FROM messages WHERE seq = 2")
    await connection.execute("UPDATE conversations SET last_seq = 1, last_ordinal = 1")
    await connection.close()
    assert (await phone.next("sync"))["lastSeq"] == 1
    await ann.send(conversation, "another second one")
    assert await phone.messages(1) == [2]


async def is_settled(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """The outbox holds nothing: a number may be taken again."""
    return not await connection.fetchval("SELECT count(*) FROM outbox")
