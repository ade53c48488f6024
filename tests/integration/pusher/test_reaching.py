"""Who hears of a message by push: those whom no socket reached, and nobody else."""

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from pusher.pace import LIMIT, ExpoPace
from tests.integration.pusher.world import ACK_SECONDS, PushWorld
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import PATIENCE, eventually


async def test_who_is_offline_hears_of_it_at_once(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)

    async with push.pusher():
        message = await ann.send(room, "Are you there?")
        [told] = await push.expo.wait_for(1)

    assert told.token == token
    assert (told.message["title"], told.message["body"], told.message["badge"]) == ("ann", "Are you there?", 1)
    assert told.message["data"] == {"conversationId": room, "messageId": message["id"], "seq": 1}
    assert told.message["collapseId"] == room


async def test_an_opaque_text_never_leaves_and_a_long_one_is_cut_between_its_characters(push: PushWorld) -> None:
    ann, (bob, _) = push.person("ann"), await push.with_phone("bob")
    eve, _ = await push.with_phone("eve")
    family = "👨\u200d👩\u200d👧\u200d👦"

    async with push.pusher():
        await ann.send(await ann.start(bob), '{"ciphertext": "c2VjcmV0"}', opaque=True)
        await ann.send(await ann.start(eve), family * 30)
        told = await push.expo.wait_for(2)

    assert sorted(one.message["body"] for one in told) == ["Encrypted message", family * 17 + "…"]
    assert "c2VjcmV0" not in str([one.message for one in told])


async def test_every_device_of_a_user_is_told_once(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, phone = await push.with_phone("bob", "ios")
    await push.register(bob, "ExpoPushToken[tablet]", "android")
    room = await ann.start(bob)

    async with push.pusher(), push.pusher():
        await ann.send(room, "Hello")
        await push.drained()

    assert sorted(one.token for one in push.expo.accepted) == sorted([phone, "ExpoPushToken[tablet]"])
    assert push.expo.of("ExpoPushToken[tablet]")[0]["tag"] == room


async def test_a_socket_that_took_nothing_is_pushed_at_its_deadline(push: PushWorld) -> None:
    """The phone promised to say what it has, and says nothing: as one whose link is dead, though its socket is open."""
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    site = await push.parley.gateway()

    async with push.pusher():
        await site.connect(bob)
        await push.online(bob)
        sent = time.monotonic()
        await ann.send(room, "Are you there?")
        await push.expo.wait_for(1)
        waited = time.monotonic() - sent

    assert [one.token for one in push.expo.accepted] == [token]
    assert ACK_SECONDS <= waited < ACK_SECONDS + 2 * PATIENCE


async def test_an_older_app_that_is_alive_is_not_pushed_though_it_never_acknowledges(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    site = await push.parley.gateway()

    phone = await site.connect(bob, acks=False)
    await push.online(bob)
    await ann.send(room, "Hello")
    await phone.next("message.new")
    reading = asyncio.create_task(phone.closed(60))  # and so answering pings
    await push.took_it(room, bob)
    async with push.pusher():
        await push.drained()
    reading.cancel()

    assert push.expo.accepted == []


@pytest.mark.parametrize("fault", ["frozen", "stalled"])
async def test_a_phone_that_falls_silent_in_mid_conversation_is_pushed_what_it_did_not_take(
    push: PushWorld, fault: str
) -> None:
    """As iOS suspends an app, or a tunnel swallows the link: the socket stays open, and nobody answers."""
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    site = await push.parley.gateway()

    async with (
        FaultProxy("127.0.0.1", urlsplit(site.url).port or 0) as link,
        acknowledging_phone(f"http://127.0.0.1:{link.port}", bob.token) as phone,
        AsyncExitStack() as later,
    ):
        await push.online(bob)
        await ann.send(room, "Are you there?")
        await push.took_it(room, bob)
        await later.enter_async_context(push.pusher(push_burst_seconds=0.0))
        await push.drained()
        assert push.expo.accepted == [], "it acknowledged"
        if fault == "frozen":
            phone.send_signal(signal.SIGSTOP)
        else:
            link.stall()
        sent = time.monotonic()
        message = await ann.send(room, "Still there?")
        await push.expo.wait_for(1)
        waited = time.monotonic() - sent

    [told] = push.expo.accepted
    assert (told.token, told.message["data"]["messageId"]) == (token, message["id"])
    assert waited < ACK_SECONDS + 2 * PATIENCE


async def test_who_took_it_while_looking_or_read_it_is_not_pushed(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    cleo, _ = await push.with_phone("cleo")
    room = await ann.start(bob, cleo, isGroup=True)
    site = await push.parley.gateway()

    looking, reading = await site.connect(bob), await site.connect(cleo)
    await reading.say("state", active=False)
    await push.online(bob, cleo)
    await ann.send(room, "Hello")
    await looking.next("message.new")
    await looking.say("delivered", conversationId=room, seq=1)
    await reading.next("message.new")
    await reading.say("read", conversationId=room, seq=1)
    await push.took_it(room, bob, cleo)
    async with push.pusher():
        await push.drained()

    assert push.expo.accepted == []


async def test_an_idle_tab_that_took_the_message_does_not_silence_the_phone(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, token = await push.with_phone("bob")
    room = await ann.start(bob)
    site = await push.parley.gateway()

    async with push.pusher():
        tab = await site.connect(bob)
        await tab.ask("state", active=False)
        await push.online(bob)
        await ann.send(room, "Hello")
        await tab.next("message.new")
        await tab.say("delivered", conversationId=room, seq=1)
        await push.expo.wait_for(1)

    assert [one.token for one in push.expo.accepted] == [token]


async def test_what_was_read_while_it_waited_is_not_pushed(push: PushWorld) -> None:
    """It waits because no pusher runs; what counts is what is so right before the call."""
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    room = await ann.start(bob)
    message = await ann.send(room, "Hello")
    await eventually(lambda: has_entries(push, 1))

    await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [message["id"]], "status": "read"})
    async with push.pusher():
        await push.drained()

    assert push.expo.accepted == []


async def test_what_was_deleted_while_it_waited_is_not_pushed(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    await ann.send(await ann.start(bob), "Hello")
    await eventually(lambda: has_entries(push, 1))

    await push.parley.rest.parts.pool.execute("DELETE FROM messages")
    async with push.pusher():
        await push.drained()

    assert push.expo.accepted == []


async def test_what_was_read_while_its_call_waited_for_its_turn_is_not_pushed(push: PushWorld) -> None:
    ann = push.person("ann")
    bob, _ = await push.with_phone("bob")
    cleo, cleos = await push.with_phone("cleo")
    room = await ann.start(bob, cleo, isGroup=True)
    pace = ExpoPace(push.parley.rest.parts.redis)
    while (await pace.reserve(LIMIT)).opens_at < time.monotonic() + 2:
        pass  # as if other pushers had much to send

    async with push.pusher():
        message = await ann.send(room, "Hello")
        await eventually(lambda: is_taken(push))
        await bob.post(f"/api/conversations/{room}/messages/status", {"messageIds": [message["id"]], "status": "read"})
        assert push.expo.accepted == []
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [cleos]


async def is_taken(push: PushWorld) -> bool:
    """Whether a worker decided to push: the burst's window is open."""
    return bool(await push.parley.rest.parts.redis.zcard(push.windows))


async def test_a_user_who_is_named_by_two_entries_is_told_once(push: PushWorld) -> None:
    """In a group the offline member is in the entry at once, and lags when the deadline of the others passes."""
    ann = push.person("ann")
    bob, offline = await push.with_phone("bob")
    cleo, silent = await push.with_phone("cleo")
    room = await ann.start(bob, cleo, isGroup=True, name="Climbing")
    site = await push.parley.gateway()

    async with push.pusher():
        await site.connect(cleo)
        await push.online(cleo)
        await ann.send(room, "Hello")
        await push.drained()

    assert [one.token for one in push.expo.accepted] == [offline, silent]
    assert {one.message["title"] for one in push.expo.accepted} == {"Climbing"}


async def test_two_pushers_share_the_work_and_tell_each_device_once(push: PushWorld) -> None:
    ann = push.person("ann")
    people = [await push.with_phone(f"user{number}") for number in range(30)]
    rooms = [await ann.start(person) for person, _ in people]

    async with push.pusher(), push.pusher():
        await asyncio.gather(*(ann.send(room, "Hello") for room in rooms))
        await push.drained()

    assert sorted(one.token for one in push.expo.accepted) == sorted(token for _, token in people)


async def has_entries(push: PushWorld, count: int) -> bool:
    return await push.waiting() == count


PHONE = """
import aiohttp, asyncio, json, sys
async def main():
    async with aiohttp.ClientSession() as http, http.ws_connect(sys.argv[1]) as socket:
        async for message in socket:
            frame = json.loads(message.data)
            print(frame["type"], flush=True)
            if frame["type"] == "message.new":
                said = {"type": "delivered", "conversationId": frame["conversationId"], "seq": frame["seq"]}
                await socket.send_str(json.dumps(said))
asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def acknowledging_phone(url: str, token: str) -> AsyncIterator[Process]:
    """A client in a process of its own, to be frozen; connected, so that the next message comes to it live."""
    address = f"{url}/messages/subscribe?acks=1&token={token}"
    process = await create_subprocess_exec(sys.executable, "-c", PHONE, address, stdout=PIPE)
    assert process.stdout is not None
    try:
        while await process.stdout.readline() != b"connected\n":
            assert not process.stdout.at_eof(), "it did not connect"
        yield process
    finally:
        process.kill()
        await process.wait()
