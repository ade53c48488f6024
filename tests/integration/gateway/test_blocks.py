"""A blocks B while their phones are connected, on several gateways: what each phone hears from then on."""

from typing import Any

import pytest

from shared import keys
from tests.integration.gateway.world import Phone, World
from tests.integration.rest.conftest import Person
from tests.support.waiting import eventually

LIVE = {"message.new", "message.deleted", "message.edited", "message.read", "message.delivered", "event"}


async def block(one: Person, other: Person) -> None:
    await one.put(f"/api/blocks/{other.id}")


async def heard(phone: Phone, room: str) -> list[str]:
    """What came of the conversation, until a ping was answered."""
    return [frame["type"] for frame in await phone.silence() if frame.get("conversationId") == room]


async def three_gateways(parley: World) -> tuple[Person, Person, str, list[Phone], Phone]:
    """Two devices of hers on two gateways, and one of his on a third."""
    sites = [await parley.gateway() for _ in range(3)]
    ann, bob = parley.person("ann"), parley.person("bob")
    room = await ann.start(bob)
    return ann, bob, room, [await sites[0].connect(ann), await sites[1].connect(ann)], await sites[2].connect(bob)


async def test_every_device_of_the_blocker_leaves_and_nobody_elses(parley: World) -> None:
    ann, bob, room, hers, his = await three_gateways(parley)
    await bob.send(room, "unread")
    for phone in hers:
        await phone.messages(1)

    await block(ann, bob)

    for phone in hers:
        assert (await phone.next("conversation.left"))["conversationId"] == room
        await phone.next("blocks.changed")
        assert await heard(phone, room) == []
    assert "conversation.left" not in await heard(his, room)
    assert "blocks.changed" not in [frame["type"] for frame in his.frames]


async def test_nothing_live_of_either_reaches_the_other(parley: World) -> None:
    ann, bob, room, hers, his = await three_gateways(parley)
    sent = await bob.send(room, "one")
    await block(ann, bob)
    for phone in hers:
        await phone.next("conversation.left")

    await eventually(lambda: typing_is_refused(his, room))
    assert (await his.ask("event", conversationId=room, name="cursor"))["code"] == "not_a_participant"
    assert (await hers[0].ask("typing", conversationId=room, isTyping=True))["code"] == "not_a_participant"
    await his.say("read", conversationId=room, seq=1)
    assert await bob.delete(f"/api/conversations/{room}/messages/{sent['id']}") == {"success": True}
    await his.next("message.deleted")

    for phone in hers:
        assert await heard(phone, room) == []


async def typing_is_refused(phone: Phone, room: str) -> bool:
    answer = await phone.ask("typing", conversationId=room, isTyping=True)
    return bool(answer.get("code") == "not_a_participant")


async def test_typing_that_is_shown_ends(parley: World) -> None:
    ann, bob, room, hers, his = await three_gateways(parley)
    await hers[0].say("typing", conversationId=room, isTyping=True)
    await his.next("typing.start")
    await his.say("typing", conversationId=room, isTyping=True)
    await hers[1].next("typing.start")

    await block(ann, bob)

    assert (await his.next("typing.stop", seconds=2))["senderId"] == ann.id
    await hers[1].next("conversation.left")
    assert await heard(hers[1], room) == []


async def test_unblocking_tells_the_unblocker_alone_and_the_conversation_lives_again(parley: World) -> None:
    ann, bob, room, hers, his = await three_gateways(parley)
    await bob.send(room, "waits")
    await block(ann, bob)
    await hers[0].next("conversation.left")
    await eventually(lambda: typing_is_refused(his, room))

    await ann.delete(f"/api/blocks/{bob.id}")

    news = await hers[0].next("conversation.new")
    assert (news["conversationId"], news["conversation"]["unreadCount"]) == (room, 1)
    await hers[1].next("conversation.new")
    await bob.send(room, "again")
    for phone in hers:
        assert (await phone.next("message.new"))["text"] == "again"
    await his.say("typing", conversationId=room, isTyping=True)
    await hers[0].next("typing.start")
    assert not [frame for frame in his.frames if frame["type"].startswith("conversation.")]


async def test_who_connects_while_barred_is_so_from_the_start(parley: World) -> None:
    site = await parley.gateway()
    ann, bob = parley.person("ann"), parley.person("bob")
    room = await ann.start(bob)
    await block(ann, bob)

    hers, his = await site.connect(ann), await site.connect(bob)

    assert (hers.frames[0]["conversationIds"], his.frames[0]["conversationIds"]) == ([], [room])
    assert await typing_is_refused(his, room)
    assert not [frame for frame in [*await hers.silence(), *await his.silence()] if frame["type"] == "presence.update"]


@pytest.mark.parametrize("lost", ["hers", "his"])
async def test_a_word_that_is_lost_on_a_users_channel_comes_by_the_rooms(
    parley: World, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the node that carries the user's channel stalls: the room's carries the word as well."""
    ann, bob, room, hers, his = await three_gateways(parley)
    sent = await bob.send(room, "one")
    await hers[0].messages(1)
    silent = keys.user(ann.id if lost == "hers" else bob.id)
    publisher = parley.rest.parts.publisher
    offer = publisher.offer

    def offer_all_but(envelope: Any, told: Any) -> None:
        if envelope.channel != silent:
            offer(envelope, told)

    monkeypatch.setattr(publisher, "offer", offer_all_but)
    await block(ann, bob)

    if lost == "his":
        await eventually(lambda: typing_is_refused(his, room))
    await bob.delete(f"/api/conversations/{room}/messages/{sent['id']}")
    await his.next("message.deleted")
    assert not [frame for frame in await hers[0].silence() if frame["type"] in LIVE]
