import asyncio

from services.embedded import EmbeddedRedis
from shared import frames, keys
from shared.api import LIVE_PRESENCE_MEMBERS
from shared.redis import open_redis
from shared.wire import Kind, ReceiptStatus, pack
from tests.integration.gateway.world import OwnSite, Phone, World, world
from tests.integration.rest.conftest import Person
from tests.support.servers import paused
from tests.support.waiting import eventually


async def status_of(person: Person, conversation: str) -> str:
    page = await person.get(f"/api/conversations/{conversation}/messages")
    return str(page["messages"][-1]["status"])


async def test_delivered_and_read_reach_the_sender_and_the_readers_other_device(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    sender, reader, tablet = await site.connect(ann), await site.connect(ben), await site.connect(ben)
    sent = await ann.send(conversation, "hello")
    await reader.messages(1)
    for kind in ("delivered", "read"):
        await reader.say(kind, conversationId=conversation, seq=1)
        for device in (sender, tablet):
            frame = await device.next(f"message.{kind}")
            assert (frame["senderId"], frame["seq"], frame["messageId"]) == (ben.id, 1, sent["id"])
        assert await status_of(ann, conversation) == kind


async def test_a_written_message_is_not_delivered_until_the_promised_word(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    reader = await site.connect(ben)
    await ann.send(conversation, "hello")
    await reader.messages(1)
    await reader.ask("ping")
    await asyncio.sleep(0.5)  # longer than an older app's write would take to count
    assert await status_of(ann, conversation) == "sent"


async def test_a_write_to_an_older_app_counts_once_it_was_heard_from(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    sender, old_app = await site.connect(ann), await site.connect(ben, acks=False)
    await ann.send(conversation, "hello")
    await old_app.messages(1)
    reading = asyncio.create_task(old_app.next("never"))  # so that it answers the gateway's ping
    assert (await sender.next("message.delivered"))["senderId"] == ben.id
    reading.cancel()


async def test_an_older_app_that_says_delivered_is_held_to_it(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben, acks=False)
    await ben.send(conversation, "mine: spared")
    await ann.send(conversation, "hello")
    assert await phone.messages(1) == [2]
    await phone.ask("delivered", conversationId=conversation, seq=2)
    await ben.send(conversation, "mine: not spared any more")
    assert await phone.messages(1) == [3]


async def test_receipts_only_go_forward(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    sender, reader = await site.connect(ann), await site.connect(ben)
    for text in ("one", "two", "three"):
        await ann.send(conversation, text)
    await reader.messages(3)
    await reader.ask("read", conversationId=conversation, seq=2)
    assert (await sender.next("message.read"))["seq"] == 2
    await reader.ask("read", conversationId=conversation, seq=1)
    await reader.ask("read", conversationId=conversation, seq=3)
    assert (await sender.next("message.read"))["seq"] == 3


async def test_a_receipt_that_was_published_late_is_not_told(parley: World, site: OwnSite) -> None:
    """Two persistence processes applied a reader's cursors in one order, and published them in the other."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    sender, redis = await site.connect(ann), open_redis(parley.redis_url)
    for seq in (3, 2, 4):
        told = {"conversation_id": conversation, "message_id": "m", "reader_id": ben.id, "reader_handle": "ben"}
        receipt = frames.receipt(status="read", seq=seq, **told)
        envelope = pack(Kind.RECEIPT, receipt, flags=ReceiptStatus.READ, seq=seq, sender=ben.id)
        await redis.execute_command("SPUBLISH", keys.room(conversation), envelope)
    await redis.aclose()
    assert [(await sender.next("message.read"))["seq"] for _ in range(2)] == [3, 4]


async def test_receipts_outlast_a_frozen_redis(database_url: str, own_redis: EmbeddedRedis) -> None:
    async with world(database_url, own_redis.url) as parley:
        site = await parley.gateway()
        ann, ben = parley.person("ann"), parley.person("ben")
        conversation = await ann.start(ben)
        reader: Phone = await site.connect(ben)
        await ann.send(conversation, "hello")
        await reader.messages(1)
        with paused(own_redis):
            await reader.say("read", conversationId=conversation, seq=1)
            await asyncio.sleep(2.5)  # longer than a call to Redis may take

        async def is_read() -> bool:
            return await status_of(ann, conversation) == "read"

        await eventually(is_read)


async def test_in_a_crowd_the_room_hears_of_all_together_and_a_reader_of_their_own_reading(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    others = [parley.person(f"user{n}") for n in range(LIVE_PRESENCE_MEMBERS)]
    conversation = await ann.start(ben, *others)
    await ann.send(conversation, "hello")
    writer, phone, tablet = await site.connect(ann), await site.connect(ben), await site.connect(ben)

    await phone.say("read", conversationId=conversation, seq=1)
    own = await tablet.next("message.read")
    assert (own["senderId"], own["seq"], own["conversationId"]) == (ben.id, 1, conversation)
    for one in others:
        message = (await one.get(f"/api/conversations/{conversation}/messages"))["messages"][0]
        body = {"messageIds": [message["id"]], "status": "delivered"}
        await one.post(f"/api/conversations/{conversation}/messages/status", body)

    await parley.rest.parts.minima.tell()
    everybody = await writer.next("receipts.all")
    assert (everybody["conversationId"], everybody["deliveredUpTo"], everybody["readUpTo"]) == (conversation, 1, 0)
    assert not [frame for frame in writer.frames if frame["type"] in ("message.read", "message.delivered")]
