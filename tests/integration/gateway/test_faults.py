"""What must hold while parts between a gateway and the rest are cut, frozen, slow or restored from a backup."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import pytest

from gateway.websocket.codes import CloseCode
from services.embedded import EmbeddedRedis
from shared import api
from shared.ids import new_id
from tests.integration.gateway.world import OwnSite, Phone, World, world
from tests.integration.rest.conftest import Person
from tests.support.fault_proxy import FaultProxy
from tests.support.servers import kill, paused, restart
from tests.support.waiting import eventually


@asynccontextmanager
async def through_a_proxy(url: str) -> AsyncIterator[tuple[FaultProxy, str]]:
    """A proxy before the server of this URL, and the URL that leads through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with FaultProxy(parts.hostname, parts.port) as proxy:
        login, at, _ = parts.netloc.rpartition("@")
        yield proxy, urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{proxy.port}"))


async def is_ready(site: OwnSite) -> bool:
    async with site.http.get(site.internal_url + "/ready") as response:
        return response.status == 200


async def test_what_was_sent_while_the_redis_link_was_cut_arrives_also_the_tail_of_a_quiet_room(
    parley: World,
) -> None:
    async with through_a_proxy(parley.redis_url) as (proxy, redis_url):
        site = await parley.gateway(redis_url=redis_url)
        ann, ben = parley.person("ann"), parley.person("ben")
        conversation = await ann.start(ben)
        sender, phone = await site.connect(ann), await site.connect(ben)
        proxy.refuse()
        proxy.cut()
        for text in ("one", "two"):
            await ann.send(conversation, text)
        reader = await parley.gateway()
        elsewhere = await reader.connect(ben)
        await elsewhere.ask("read", conversationId=conversation, seq=2)
        await (await reader.connect(ann)).ask("ping")
        await eventually(lambda: receipts_are_settled(reader))
        proxy.heal()
        assert await phone.messages(2) == [1, 2]
        assert await sender.messages(2) == [1, 2]
        await sender.silence()
        assert 2 in [frame["seq"] for frame in sender.frames if frame["type"] == "message.read"]
        assert [frame["seq"] for frame in phone.frames if frame["type"] == "message.new"] == [1, 2]
        await ann.send(conversation, "three")
        assert await phone.messages(1) == [3]


async def test_a_device_comes_again_where_a_conversation_began_and_was_purged_while_the_link_was_down(
    parley: World,
) -> None:
    async with through_a_proxy(parley.redis_url) as (proxy, redis_url):
        site = await parley.gateway(redis_url=redis_url)
        ann, ben = parley.person("ann"), parley.person("ben")
        phone = await site.connect(ann)
        proxy.refuse()
        proxy.cut()
        conversation = await ann.start(ben)
        listed = await ann.get("/api/conversations")
        assert [one["id"] for one in listed["conversations"]] == [conversation]
        await parley.rest.ask_internal(api.PURGE, {"conversations": [conversation]})
        proxy.heal()
        assert await phone.closed() == CloseCode.RESTARTING


async def receipts_are_settled(site: OwnSite) -> bool:
    try:
        async with asyncio.timeout(0.1):
            await site.gateway.settled()
    except TimeoutError:
        return False
    return True


async def test_a_frozen_redis_makes_the_gateway_unready_and_everything_comes_after_it_thaws(
    database_url: str, own_redis: EmbeddedRedis
) -> None:
    async with world(database_url, own_redis.url) as parley:
        site = await parley.gateway()
        ann, ben = parley.person("ann"), parley.person("ben")
        conversation = await ann.start(ben)
        phone = await site.connect(ben)
        await eventually(lambda: is_ready(site))
        with paused(own_redis):
            for text in ("one", "two"):
                await ann.send(conversation, text)
            await eventually(lambda: not_ready(site))
            assert (await phone.ask("ping"))["type"] == "pong"
        assert await phone.messages(2) == [1, 2]
        await eventually(lambda: is_ready(site))


async def not_ready(site: OwnSite) -> bool:
    return not await is_ready(site)


async def test_a_redis_that_died_and_came_back_empty_costs_only_a_pause(
    database_url: str, own_redis: EmbeddedRedis
) -> None:
    async with world(database_url, own_redis.url) as parley:
        site = await parley.gateway()
        ann, ben = parley.person("ann"), parley.person("ben")
        conversation = await ann.start(ben)
        sender, phone = await site.connect(ann), await site.connect(ben)
        await ann.send(conversation, "one")
        assert await phone.messages(1) == [1]
        kill(own_redis)
        await phone.say("read", conversationId=conversation, seq=1)
        await ann.send(conversation, "two")
        for path in own_redis.directory.rglob("appendonlydir"):
            shutil.rmtree(path)
        await restart(own_redis)
        assert await phone.messages(1) == [2]
        assert await sender.messages(2) == [1, 2]
        await eventually(lambda: has_read(sender))


async def has_read(phone: Phone) -> bool:
    await phone.silence()
    return "message.read" in [frame["type"] for frame in phone.frames]


async def test_an_event_that_was_never_published_is_fetched_from_the_log(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    await ann.send(conversation, "one")
    await unpublished(database_url, conversation, ann, 2)
    await ann.send(conversation, "three")
    assert await phone.messages(3) == [1, 2, 3]


async def unpublished(database_url: str, conversation: str, sender: Person, seq: int) -> None:
    """A message that is in Postgres, and that nothing will ever publish."""
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute(
            "UPDATE conversations SET last_seq = $2, last_ordinal = $2 WHERE id = $1", conversation, seq
        )
        await connection.execute(
            "INSERT INTO messages (conversation_id, seq, ordinal, id, sender_id, text, created_at, updated_at)"
            " VALUES ($1, $2, $2, $3, $4, 'unpublished', now(), now())",
            conversation,
            seq,
            new_id(),
            sender.id,
        )
    await connection.close()


async def test_too_long_a_gap_is_told_as_sync(parley: World, site: OwnSite, database_url: str) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    await ann.send(conversation, "one")
    assert await phone.messages(1) == [1]
    await unpublished(database_url, conversation, ann, 400)
    await ann.send(conversation, "401")
    frame = await phone.next("sync")
    assert (frame["conversationId"], frame["lastSeq"]) == (conversation, 400)
    assert await phone.messages(1) == [401]


async def test_events_while_a_socket_comes_in_follow_its_heads_without_hole_or_double(parley: World) -> None:
    """Every step of the connect takes its time, and every moment of it has events."""
    parts = urlsplit(parley.persistence_url)
    assert parts.port is not None
    async with FaultProxy("127.0.0.1", parts.port) as persistence, through_a_proxy(parley.redis_url) as (redis, url):
        site = await parley.gateway(redis_url=url, persistence_url=f"http://127.0.0.1:{persistence.port}")
        ann, ben = parley.person("ann"), parley.person("ben")
        rooms = [await ann.start(ben, bountyId=f"{number}") for number in range(3)]
        await eventually(lambda: is_ready(site))
        persistence.delay(0.03)
        redis.delay(0.02)
        done = asyncio.Event()
        talking = asyncio.create_task(talk(ann, rooms, done))
        phones = []
        for _ in range(6):
            phones.append(await site.connect(ben))
            await asyncio.sleep(0.05)
        done.set()
        lasts = await talking
        for phone in phones:
            await check_whole(phone, lasts)


async def talk(person: Person, rooms: list[str], done: asyncio.Event) -> dict[str, int]:
    """Sends into all rooms in turn; gives their last seqs."""
    lasts: dict[str, int] = {}
    while not done.is_set():
        for room in rooms:
            lasts[room] = (await person.send(room, "on and on"))["seq"]
    return lasts


async def check_whole(phone: Phone, lasts: dict[str, int]) -> None:
    heads: dict[str, int] = phone.frames[0]["heads"]
    reached = dict(heads)
    while reached != lasts:
        frame = await phone.next("message.new")
        assert frame["seq"] == reached[frame["conversationId"]] + 1
        reached[frame["conversationId"]] = frame["seq"]
    assert not [frame for frame in await phone.silence() if frame["type"] == "message.new"]


async def test_a_conversation_made_between_the_list_and_the_heads_is_not_missed(parley: World) -> None:
    parts = urlsplit(parley.persistence_url)
    assert parts.port is not None
    async with FaultProxy("127.0.0.1", parts.port) as persistence:
        site = await parley.gateway(persistence_url=f"http://127.0.0.1:{persistence.port}")
        ann, ben = parley.person("ann"), parley.person("ben")
        await ben.get("/api/conversations")
        persistence.delay(0.1)
        connecting = asyncio.create_task(site.connect(ben))
        made = set()
        while not connecting.done():
            made.add(await ann.start(ben, bountyId=new_id()))
            await asyncio.sleep(0.03)
        phone = await connecting
        persistence.heal()
        known = set(phone.frames[0]["conversationIds"])
        while known != made:
            known.add((await phone.next("conversation.new"))["conversationId"])
        for conversation in made:
            await ann.send(conversation, "hello")
        got = {(await phone.next("message.new"))["conversationId"] for _ in made}
        assert got == made


async def test_a_restored_database_is_told_as_sync_and_life_goes_on(
    parley: World, site: OwnSite, database_url: str
) -> None:
    """The backup lacks the last message, and carries an epoch of its own."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    for text in ("kept", "lost"):
        await ann.send(conversation, text)
    assert await phone.messages(2) == [1, 2]
    epoch = new_id()
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM messages WHERE seq = 2")
    await connection.execute("UPDATE conversations SET last_seq = 1, last_ordinal = 1")
    await connection.execute("UPDATE meta SET epoch = $1", epoch)
    await connection.close()
    frame = await phone.next("sync")
    assert (frame["conversationId"], frame["lastSeq"]) == (conversation, 1)
    late = await site.dial(ben.token)
    assert (await late.next("connected"))["epoch"] == epoch


async def test_without_persistence_the_sockets_stay_and_catch_up(parley: World) -> None:
    parts = urlsplit(parley.persistence_url)
    assert parts.port is not None
    async with FaultProxy("127.0.0.1", parts.port) as persistence:
        site = await parley.gateway(persistence_url=f"http://127.0.0.1:{persistence.port}")
        ann, ben = parley.person("ann"), parley.person("ben")
        conversation = await ann.start(ben)
        phone = await site.connect(ben)
        persistence.refuse()
        persistence.cut()
        await ann.send(conversation, "live all the same")
        assert await phone.messages(1) == [1]
        late = await site.dial(ann.token)
        assert (await late.next("error"))["code"] == "unavailable"
        assert await late.closed() == 1013
        persistence.heal()
        assert (await site.connect(ann)).frames[0]["heads"] == {conversation: 1}


async def test_a_reader_that_stops_is_cut_off_and_the_others_go_on(parley: World, site: OwnSite) -> None:
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben, cid)
    stuck = await site.connect(ben)
    phone = await site.connect(cid)
    [slow] = [session for session in site.gateway.acceptor.sessions() if session.user.user_id == ben.id]
    stuck.stop_reading()
    text = "x" * 8000
    sent = 0
    while slow.connection.is_open and sent < 2000:
        await ann.send(conversation, text)
        sent += 1
        await phone.messages(1)
    await eventually(lambda: site.gateway.stats.slow_consumers == 1)
    await ann.send(conversation, "go on")
    assert await phone.messages(1) == [sent + 1]


@pytest.mark.parametrize("seconds", [0.0, 1.0])
async def test_a_draining_gateway_hints_then_closes_with_1012_and_takes_nobody(parley: World, seconds: float) -> None:
    site = await parley.gateway(drain_seconds=seconds)
    phones = [await site.connect(parley.person()) for _ in range(5)]
    draining = asyncio.create_task(site.gateway.drain())
    for phone in phones:
        assert 0 <= (await phone.next("reconnect"))["afterMs"] <= seconds * 1000
    assert not await is_ready(site)
    with pytest.raises(aiohttp.WSServerHandshakeError) as rejection:
        await site.dial(parley.person().token)
    assert rejection.value.status == 503
    for phone in phones:
        assert await phone.closed() == 1012
    await draining
    assert not site.gateway.acceptor.sessions()
