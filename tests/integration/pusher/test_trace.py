"""Why (not)? The trace of a message tells its whole life, and to its sender no more than they may know."""

import json
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from typing import Any

from shared.ids import new_id
from tests.integration.pusher.world import PushWorld
from tests.integration.rest.conftest import SERVICE_TOKEN, Person
from tests.support.fleet import ROOT
from tests.support.waiting import eventually


async def full_trace(push: PushWorld, message_id: str, status: int = 200) -> Any:
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    response = await push.parley.rest.internal.get(f"/internal/messages/{message_id}/trace", headers=headers)
    assert response.status == status
    return await response.json()


async def a_group(push: PushWorld) -> tuple[Person, dict[str, Person], str]:
    """Ann's message is for Bob, who is offline, Cleo, whose phone is silent, and Dan, who reads it."""
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    cleo, _ = await push.with_phone("cleo", "android")
    dan, _ = await push.with_phone("dan")
    eve = push.person("eve")
    await eve.get("/api/conversations")
    room = await ann.start(bob, cleo, dan, eve, isGroup=True)
    site = await push.parley.gateway()
    await site.connect(cleo)
    phone = await site.connect(dan)
    await push.online(cleo, dan)
    message = await ann.send(room, "Hello")
    await phone.next("message.new")
    await phone.say("read", conversationId=room, seq=1)
    await push.took_it(room, dan)
    async with push.pusher():
        await push.drained()
    return ann, {"bob": bob, "cleo": cleo, "dan": dan, "eve": eve}, message["id"]


async def test_the_trace_tells_each_recipients_way_to_the_message(push: PushWorld) -> None:
    _, people, message_id = await a_group(push)

    trace = await full_trace(push, message_id)

    to = {name: one for name, person in people.items() for one in trace["recipients"] if one["userId"] == person.id}
    assert trace["published"] is True
    assert to["bob"]["connected"] is False
    assert [device["state"] for device in to["bob"]["devices"]] == ["sent"]
    assert to["bob"]["devices"][0]["ticketId"]
    assert to["cleo"]["connected"] is True
    assert [device["platform"] for device in to["cleo"]["devices"]] == ["android"]
    assert (to["dan"]["connected"], to["dan"]["read"], to["dan"]["devices"]) == (True, True, [])
    assert to["dan"]["readAt"] >= trace["committedAt"]
    assert (to["eve"]["connected"], to["eve"]["decision"]) == (None, "no device"), "known without a row of their own"
    assert "ExponentPushToken" not in json.dumps(trace)


async def test_its_sender_sees_who_has_it_and_who_was_told_but_not_why_others_were_not(push: PushWorld) -> None:
    ann, people, message_id = await a_group(push)

    trace = await ann.get(f"/api/messages/{message_id}/trace")

    to = {one["userId"]: one for one in trace["recipients"]}
    assert to[people["bob"].id]["pushedAt"] >= trace["committedAt"]
    assert to[people["cleo"].id]["pushedAt"] >= trace["deadlineAt"] > trace["committedAt"]
    assert to[people["dan"].id]["readAt"] >= trace["committedAt"]
    assert to[people["eve"].id]["pushedAt"] is None
    told = json.dumps(trace)
    assert not any(word in told for word in ("ExponentPushToken", "device", "ticket", "decision"))


async def test_a_message_of_others_has_no_trace_for_anybody_else(push: PushWorld) -> None:
    ann, bob = push.person("ann"), push.person("bob")
    message = await ann.send(await ann.start(bob), "Hello")

    refused = await bob.get(f"/api/messages/{message['id']}/trace", 404)
    unknown = await bob.get(f"/api/messages/{new_id()}/trace", 404)

    assert refused == unknown


async def test_a_mute_is_in_the_operators_trace(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    await bob.post(f"/api/conversations/{room}/mute", {"until": "2999-01-01T00:00:00Z"})

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await eventually(lambda: decided(push, message["id"]))

    [recipient] = (await full_trace(push, message["id"]))["recipients"]
    assert (recipient["decision"], recipient["connected"]) == ("conversation muted", False)
    [device] = recipient["devices"]
    assert (device["state"], device["reason"], device["platform"]) == ("untold", "conversation muted", "ios")
    assert push.expo.accepted == []


async def test_a_push_of_which_expo_never_said_whether_it_took_it_is_unclear(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    push.expo.faults.error_after = 1.0

    async with push.pusher():
        message = await ann.send(await ann.start(bob), "Hello")
        await eventually(lambda: given_up(push))

    [recipient] = (await full_trace(push, message["id"]))["recipients"]
    [device] = recipient["devices"]
    assert (device["state"], device["reason"], device["attempts"]) == ("unclear", "HTTP 502", 3)


async def given_up(push: PushWorld) -> bool:
    await push.let_entries_rest()
    return len(push.expo.accepted) == 3 and await push.waiting() == 0


async def decided(push: PushWorld, message_id: str) -> bool:
    [recipient] = (await full_trace(push, message_id))["recipients"]
    return recipient["decision"] is not None


async def test_an_unknown_message_is_404_for_operators(push: PushWorld) -> None:
    await full_trace(push, new_id(), 404)


async def test_the_command_tells_the_same_in_lines_and_as_json(push: PushWorld, database_url: str) -> None:
    _, _, message_id = await a_group(push)

    told = await command(database_url, "trace", message_id)
    as_json = json.loads(await command(database_url, "trace", message_id, "--json"))

    assert f"message {message_id}" in told
    for words in ("was offline", "was connected", "Expo accepted the push", "no push: no device", "read 20"):
        assert words in told, told
    assert as_json == await full_trace(push, message_id)


async def command(database_url: str, *arguments: str) -> str:
    process = await create_subprocess_exec(
        sys.executable, "-m", "services", *arguments, cwd=ROOT, env={"DATABASE_URL": database_url}, stdout=PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()
