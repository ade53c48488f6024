"""Two gateways and two persistence processes, as `python -m services` starts them, on one Redis and one Postgres."""

import asyncio
import itertools
from pathlib import Path

import aiohttp
import pytest

from shared.ids import new_id
from tests.support.fake_expo import fake_expo
from tests.support.fleet import Fleet, fleet
from tests.support.person import Person
from tests.support.waiting import eventually

SENDERS = 50
EACH = 4


def person(running: Fleet, http: aiohttp.ClientSession, number: int, handle: str) -> Person:
    """The odd ones use the first of each service, the even ones the second."""
    user_id = new_id()
    side = 1 if number % 2 else 2
    return Person(
        http,
        running.processes[f"persistence-{side}"].url,
        running.token(user_id, handle),
        socket=running.processes[f"gateway-{side}"].url,
        user_id=user_id,
    )


async def test_everybody_on_both_gateways_sees_one_and_the_same_order(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, persistences=2) as running:
        people = [person(running, http, number, f"user{number}") for number in range(SENDERS)]
        room = await people[0].converse(*people[1:])

        async with people[0].phone() as left, people[1].phone() as right, people[2].phone(acks=False) as old:
            sends = [one.send(room, f"{one.id} {number}") for number in range(EACH) for one in people]
            await asyncio.gather(*sends)
            own = SENDERS * EACH
            await eventually(lambda: len(left.texts(room)) == len(right.texts(room)) == own, 20)
            await eventually(lambda: len(old.texts(room)) == own - EACH, 20)

            assert left.texts(room) == right.texts(room)
            assert [text for text in left.texts(room) if not text.startswith(people[2].id)] == old.texts(room)


async def test_a_conversation_made_on_one_side_reaches_the_other_at_once(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, persistences=2) as running:
        ada, bob = person(running, http, 1, "ada"), person(running, http, 2, "bob")

        async with ada.phone() as adas, bob.phone() as bobs:
            room = await ada.converse(bob)
            news = await bobs.frame("conversation.new", conversationId=room)
            assert {one["handle"] for one in news["conversation"]["participants"]} == {"ada", "bob"}

            await ada.send(room, "Hello Bob")
            await bobs.frame("message.new", conversationId=room, text="Hello Bob", senderHandle="ada")
            await bobs.say("read", conversationId=room, seq=1)
            await adas.frame("message.read", conversationId=room, seq=1, senderId=bob.id)


async def test_whoever_is_gone_gets_one_push_with_the_right_words(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with (
        fake_expo() as expo,
        fleet(logs, database_url, redis_url, pushers=2, EXPO_PUSH_URL=expo.url) as running,
    ):
        ada, bob = person(running, http, 1, "ada"), person(running, http, 1, "bob")
        await bob.call("POST", "/notifications/register-token", {"token": "ExponentPushToken[bob]"})
        room = await ada.converse(bob)

        message = await ada.send(room, "Are you there?")

        [accepted] = await expo.wait_for(1)
        assert accepted.token == "ExponentPushToken[bob]"
        assert (accepted.message["title"], accepted.message["body"]) == ("ada", "Are you there?")
        assert accepted.message["data"] == {"conversationId": room, "messageId": message["id"], "seq": 1}
        assert accepted.message["sound"] == "default"
        assert accepted.message["channelId"] == "messages"
        assert accepted.message["priority"] == "high"


async def test_sigterm_in_mid_traffic_ends_every_process_with_0_and_without_a_trace(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=2, persistences=2, pushers=1) as running:
        ada, bob = person(running, http, 1, "ada"), person(running, http, 2, "bob")
        room = await ada.converse(bob)

        async def talk() -> None:
            for number in itertools.count():
                await ada.send(room, f"message {number}")

        async with bob.phone() as phone:
            talking = asyncio.create_task(talk())
            await phone.frame("message.new", text="message 20")
            for name in ("gateway-2", "pusher-1", "persistence-1", "gateway-1", "persistence-2"):
                assert await running.processes[name].stop(15) == 0, running.processes[name].log()[-2000:]
            with pytest.raises((aiohttp.ClientError, AssertionError)):
                await talking

    for process in running.processes.values():
        assert "Traceback" not in process.log()
        assert "did not stop" not in process.log()


async def test_no_token_reaches_any_log(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, LOG_LEVEL="debug") as running:
        ada = person(running, http, 1, "ada")
        gateway, store = running.processes["gateway-1"], running.processes["persistence-1"]
        for url in (gateway.url, store.url):
            async with http.get(f"{url}/nowhere?token={ada.token}", headers={"X-Token": ada.token}):
                pass
        async with http.ws_connect(f"{gateway.url}/messages/subscribe?token={ada.token}") as socket:
            await socket.receive_json()
        async with http.ws_connect(f"{gateway.url}/messages/subscribe", protocols=["bearer", ada.token]) as socket:
            assert socket.protocol == "bearer"
            await socket.receive_json()
        await ada.call("GET", "/api/conversations")
        await ada.call("POST", "/notifications/register-token", {"token": "ExponentPushToken[secret]"})

    for process in running.processes.values():
        assert ada.token not in process.log()
        assert ada.token.split(".")[2] not in process.log()
        assert "ExponentPushToken[secret]" not in process.log()


@pytest.mark.parametrize("kind", ["gateway", "persistence", "pusher"])
async def test_a_missing_setting_is_one_line_that_names_it(kind: str, logs: Path) -> None:
    started = Fleet(logs, {}, "")
    process = started.add(kind)

    process.spawn()

    assert await process.ended(20) == 2
    assert process.log().strip().splitlines()[-1].endswith("is not set")
    assert len(process.log().strip().splitlines()) == 1
