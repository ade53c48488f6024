"""Bursts do not nag: the first message of a quiet conversation is told at once, those that follow become one."""

from typing import Any

import pytest

from shared import keys
from tests.integration.pusher.world import BURST_SECONDS, PushWorld
from tests.integration.rest.conftest import Person
from tests.support.waiting import eventually


async def say(person: Person, room: str, *texts: str) -> list[str]:
    return [(await person.send(room, text))["id"] for text in texts]


async def held(push: PushWorld, room: str, person: Person, count: int) -> None:
    """Returns when so many messages wait for the end of the window."""
    redis: Any = push.parley.rest.parts.redis
    burst = keys.burst(f"{room}:{person.id}")

    async def all_held() -> bool:
        fields: list[bytes] = await redis.hkeys(burst)
        return sum(field.startswith(b"held:") for field in fields) == count

    await eventually(all_held)


async def test_the_first_is_told_at_once_and_the_rest_of_the_burst_replaces_it(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher():
        await say(ann, room, "one")
        await push.expo.wait_for(1)
        *_, last = await say(ann, room, "two", "three", "four")
        await push.drained()

    first, digest = [one.message for one in push.expo.accepted]
    assert (first["title"], first["body"]) == ("ann", "one")
    assert (digest["title"], digest["body"]) == ("ann", "4 new messages")
    assert digest["data"] == {"conversationId": room, "messageId": last, "seq": 4}
    assert digest["collapseId"] == first["collapseId"]
    assert digest["badge"] == 4


async def test_a_conversation_that_is_quiet_again_is_told_at_once(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher():
        for text in ("one", "two"):
            await say(ann, room, text)
            await push.drained()

    assert [one.message["body"] for one in push.expo.accepted] == ["one", "two"]


async def test_each_user_and_each_conversation_has_a_burst_of_its_own(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, bobs = await push.with_phone("bob")
    cleo, cleos = await push.with_phone("cleo")
    with_bob, with_cleo = await ann.start(bob), await ann.start(cleo)
    together = await ann.start(bob, cleo, isGroup=True, name="Climbing")

    async with push.pusher():
        for room in (with_bob, with_cleo, together):
            await say(ann, room, "Hello")
        await push.expo.wait_for(4)

    assert sorted(one.token for one in push.expo.accepted) == sorted([bobs, bobs, cleos, cleos])


async def test_what_was_read_before_the_window_ended_is_not_told(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher():
        await say(ann, room, "one")
        await push.expo.wait_for(1)
        *_, last = await say(ann, room, "two", "three")
        await held(push, room, bob, 2)
        await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [last], "status": "read"})
        await push.drained()

    assert [one.message["body"] for one in push.expo.accepted] == ["one"]


async def test_a_burst_of_which_one_is_unread_shows_that_one(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher():
        await say(ann, room, "one")
        await push.expo.wait_for(1)
        second, _ = await say(ann, room, "two", "three")
        await held(push, room, bob, 2)
        await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [second], "status": "read"})
        await push.drained()

    assert [one.message["body"] for one in push.expo.accepted] == ["one", "three"]


async def test_a_burst_outlives_the_pusher_that_held_it(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher():
        await say(ann, room, "one")
        await push.expo.wait_for(1)
        await say(ann, room, "two", "three")
        await held(push, room, bob, 2)
    assert len(push.expo.accepted) == 1
    async with push.pusher():
        await push.drained()

    assert [one.message["body"] for one in push.expo.accepted] == ["one", "3 new messages"]


async def test_a_redis_that_came_back_empty_loses_no_message_of_a_burst(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    parts = push.parley.rest.parts

    async with push.pusher():
        await say(ann, room, "one")
        await push.expo.wait_for(1)
        await say(ann, room, "two", "three")
        await held(push, room, bob, 2)
    await parts.redis.flushall()
    await parts.marker.check()
    async with push.pusher():
        await push.drained()

    # The first is in the ledger. Of the others the window opened anew: one goes at once, one with its end.
    assert [one.message["body"] for one in push.expo.accepted] == ["one", "two", "2 new messages"]


async def test_without_a_window_every_message_is_told_by_itself(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher(push_burst_seconds=0.0):
        await say(ann, room, "one", "two", "three")
        await push.drained()

    assert sorted(one.message["body"] for one in push.expo.accepted) == ["one", "three", "two"]


async def test_a_burst_of_several_senders_names_none_of_them(push: PushWorld) -> None:
    ann, dan = push.person("ann"), push.person("dan")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob, dan, isGroup=True, name="Climbing")
    await dan.get("/api/conversations")

    async with push.pusher():
        await say(ann, room, "one")
        await push.expo.wait_for(1)
        await say(dan, room, "two")
        await say(dan, room, "three")
        await push.drained()

    assert [one.message["body"] for one in push.expo.accepted] == ["ann: one", "3 new messages"]


async def test_a_device_that_had_too_many_is_told_later_of_all_that_came_until_then(
    push: PushWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pusher.bursts.DEVICE_PAUSE_SECONDS", BURST_SECONDS)
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    push.expo.faults.ticket_errors = {token: "MessageRateExceeded"}

    async with push.pusher():
        await say(ann, room, "one")
        await held(push, room, bob, 1)
        await eventually(lambda: none_waits(push))  # it does in its burst, not in the stream
        push.expo.faults.ticket_errors = {}
        await say(ann, room, "two")
        await held(push, room, bob, 2)
        await push.drained()

    assert [one.message["body"] for one in push.expo.accepted] == ["2 new messages"]


async def none_waits(push: PushWorld) -> bool:
    return await push.waiting() == 0
