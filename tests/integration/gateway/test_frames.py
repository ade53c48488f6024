from typing import Any

import pytest

from shared.ids import new_id
from shared.setting_forms import Bucket
from tests.integration.gateway.world import OwnSite, World


async def test_each_frame_with_a_ref_is_answered_with_it(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    await ben.send(conversation, "hello")
    phone = await site.connect(ann)
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("ping", {}, "pong"),
        ("join", {"conversationId": conversation}, "ack"),
        ("typing", {"conversationId": conversation, "isTyping": True}, "ack"),
        ("state", {"active": False}, "ack"),
        ("delivered", {"conversationId": conversation, "seq": 1}, "ack"),
        ("read", {"conversationId": conversation, "seq": 1}, "ack"),
        ("leave", {"conversationId": conversation}, "ack"),
        ("auth", {"token": ann.token}, "ack"),
        ("dance", {}, "error"),
        ("join", {}, "error"),
    ]
    for number, (kind, fields, answer) in enumerate(asked):
        assert (await phone.ask(kind, ref=number, **fields))["type"] == answer, kind


async def test_join_answers_how_far_the_conversation_is(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)
    for text in ("one", "two"):
        await ben.send(conversation, text)
    await phone.messages(2)
    answer = await phone.ask("join", conversationId=conversation)
    assert answer["lastSeq"] == 2


async def test_after_leave_nothing_comes_until_join(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone, tablet = await site.connect(ann), await site.connect(ann)
    await phone.ask("leave", conversationId=conversation)
    await phone.ask("leave", conversationId=conversation)
    await ben.send(conversation, "unheard")
    assert await tablet.messages(1) == [1]
    assert await phone.silence() == []
    assert (await phone.ask("join", conversationId=conversation))["lastSeq"] == 1
    await ben.send(conversation, "heard")
    assert await phone.messages(1) == [2]
    assert await tablet.messages(1) == [2]


async def test_foreign_conversations_are_refused_by_every_frame(parley: World, site: OwnSite) -> None:
    ann, ben, eve = parley.person("ann"), parley.person("ben"), parley.person("eve")
    conversation = await ann.start(ben)
    phone, spy = await site.connect(ann), await site.connect(eve)
    for where in (conversation, new_id()):
        frames: list[tuple[str, dict[str, Any]]] = [
            ("join", {}),
            ("leave", {}),
            ("typing", {"isTyping": True}),
            ("delivered", {"seq": 1}),
            ("read", {"seq": 1}),
        ]
        for kind, fields in frames:
            answer = await spy.ask(kind, conversationId=where, **fields)
            assert (answer["type"], answer["code"]) == ("error", "not_a_participant")
    await ben.send(conversation, "between us")
    assert (await phone.next())["type"] == "message.new"
    assert await spy.silence() == []


async def test_a_malformed_frame_gets_an_error_and_the_socket_stays(parley: World, site: OwnSite) -> None:
    phone = await site.connect(parley.person())
    for text in ("", "{", "[]", '{"type":"ping","ref":NaN}', '{"type":"ping","x":' + "[" * 5000 + "]" * 5000 + "}"):
        await phone.socket.send_str(text)
        assert (await phone.next("error"))["code"] == "malformed_frame"
    await phone.socket.send_bytes(b"\x00\x01")
    assert (await phone.next("error"))["code"] == "binary_frame"
    await phone.socket.send_bytes(b"")  # React Native's ping
    assert await phone.silence() == []


async def test_a_frame_over_64_kib_closes_the_socket(parley: World, site: OwnSite) -> None:
    phone = await site.connect(parley.person())
    await phone.socket.send_str("x" * 65_537)
    assert await phone.closed() == 1009


async def test_too_many_frames_are_refused_and_go_on_being_too_many_at_ones_peril(parley: World) -> None:
    site = await parley.gateway(rate_limit_frames=Bucket(1, 5))
    phone = await site.connect(parley.person())
    for number in range(30):
        await phone.say("ping", ref=number)
    assert await phone.closed() == 4429
    kinds = [frame.get("code", frame["type"]) for frame in phone.frames[1:]]
    assert kinds[:6] == ["pong"] * 5 + ["rate_limited"]


async def test_a_conversation_may_be_joined_before_its_announcement_came(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    phone = await site.connect(ann)
    conversation = await ann.start(ben)
    assert (await phone.ask("join", conversationId=conversation))["type"] == "ack"


@pytest.mark.parametrize("seq", [1, 3, 10_000])
async def test_a_read_past_the_end_counts_as_the_end_at_that_moment(parley: World, site: OwnSite, seq: int) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ben)
    await ann.send(conversation, "one")
    await phone.messages(1)
    await phone.ask("read", conversationId=conversation, seq=seq)
    await ann.send(conversation, "two")
    await phone.next("message.read")
    [listed] = (await ben.get("/api/conversations"))["conversations"]
    assert (listed["readSeq"], listed["unreadCount"]) == (1, 1)


async def test_a_flood_of_pongs_is_closed_with_4429_seen_in_the_metrics_and_harms_nobody(parley: World) -> None:
    site = await parley.gateway(rate_limit_frames=Bucket(1, 10))
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    flooder, bystander = await site.connect(parley.person()), await site.connect(ben)

    for _ in range(1000):
        await flooder.socket.pong()

    assert await flooder.closed() == 4429
    await ann.send(conversation, "still here")
    assert await bystander.messages(1) == [1]
    assert site.registry.get_sample_value("parley_gateway_frames_refused_total") == 10


async def test_react_natives_pings_at_its_pace_are_no_flood(parley: World, site: OwnSite) -> None:
    phone = await site.connect(parley.person())
    for _ in range(50):
        await phone.socket.send_bytes(b"")
    assert await phone.silence() == []
