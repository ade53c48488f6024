"""Events of an app's own: live, to all in the room, and to nobody else."""

import pytest

from shared.ids import new_id
from shared.setting_forms import Bucket
from tests.integration.gateway.world import World


async def test_an_event_reaches_everybody_in_the_room_on_every_gateway_and_nobody_else(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben, eve = parley.person("ann"), parley.person("ben"), parley.person("eve")
    conversation = await ann.start(ben)
    await eve.start(ben)
    sender, tablet = await one.connect(ann), await two.connect(ann)
    other, stranger = await two.connect(ben), await one.connect(eve)

    await sender.say("event", conversationId=conversation, name="cursor", data={"x": [1, None, "ä"]}, ref="e")

    for phone in (sender, tablet, other):
        frame = await phone.next("event")
        assert frame.pop("timestamp")
        assert frame == {
            "type": "event",
            "conversationId": conversation,
            "senderId": ann.id,
            "name": "cursor",
            "data": {"x": [1, None, "ä"]},
        }
    await stranger.say("event", conversationId=conversation, name="cursor", ref="s")
    assert (await stranger.next("error"))["code"] == "not_a_participant"
    assert not [frame for frame in await other.silence() if frame["type"] == "event"]
    assert not [frame for frame in await stranger.silence() if frame["type"] == "event"]


async def test_an_event_without_data_has_null_and_leaves_nothing_behind(parley: World) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)

    await phone.say("event", conversationId=conversation.upper(), name="wave", ref=1)

    assert (await phone.next("event"))["data"] is None
    synced = (await ben.post("/api/sync", {"conversations": {}}))["conversations"][conversation]
    assert (synced["events"], synced["lastSeq"]) == ([], 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x", "data": "y" * 2047},
        {"name": "", "data": 1},
        {"name": "a\nb", "data": 1},
        {"name": "x" * 65},
        {"data": 1},
        {"name": 7},
    ],
)
async def test_an_event_that_is_too_large_or_nameless_is_refused_and_the_socket_stays(
    parley: World, fields: dict[str, object]
) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)

    await phone.say("event", conversationId=conversation, ref="bad", **fields)
    refused = await phone.next("error")
    assert (refused["code"], refused["ref"]) == ("malformed_frame", "bad")

    await phone.say("event", conversationId=conversation, name="x", data="y" * 2046)
    assert len((await phone.next("event"))["data"]) == 2046


async def test_events_in_a_large_room_cost_by_its_people_and_stop_nothing_else(parley: World) -> None:
    """One costs 101 tokens there: the first is owed, and the next ones wait for it."""
    site = await parley.gateway(rate_limit_frames=Bucket(1, 20))
    ann = parley.person("ann")
    large = await ann.start(*(parley.rest.person(user_id=new_id()) for _ in range(999)))
    phone = await site.connect(ann)

    answers = [await phone.ask("event", conversationId=large, name="x", data=n, ref=n) for n in range(3)]
    typing = await phone.ask("typing", conversationId=large, isTyping=True)

    assert [one.get("code", one["type"]) for one in answers] == ["ack", "rate_limited", "rate_limited"]
    assert typing["type"] == "ack"
