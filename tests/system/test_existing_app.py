"""What the app that Parley began in expects of its backend, asked of `up` as a developer starts it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from shared.ids import new_id
from tests.support.person import Person, Phone
from tests.support.up import Up, started_up
from tests.support.waiting import eventually


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    async with started_up(tmp_path / "data", tmp_path / "up.log") as running:
        yield running


async def test_the_existing_app_finds_what_it_expects(up: Up, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{up.url}/health") as response:
        assert (await response.json())["status"] == "ok"
    async with http.get(f"{up.url}/messages/stats") as response:
        stats = await response.json()
        assert isinstance(stats["totalClients"], int)
        assert isinstance(stats["totalRooms"], int)
    async with http.get(f"{up.url}/api/conversations") as response:
        assert response.status == 401
    async with http.ws_connect(f"{up.url}/messages/subscribe") as socket:
        error = await socket.receive_json()
        assert error["type"] == "error"
        assert "Authentication" in error["message"]
        assert (await socket.receive()).data == 4401

    user_id = new_id()
    ada = Person(http, up.url, up.token(user_id, "ada"), user_id=user_id)
    async with ada.phone() as phone:
        connected = await phone.frame("connected")
    assert connected["userId"] == user_id
    assert connected["conversationIds"] == []


async def test_the_calls_of_an_old_app_run_unchanged(up: Up, http: aiohttp.ClientSession) -> None:
    """docs/app-guide.md, "What runs unchanged", row by row."""
    ids = {"ada": new_id(), "bob": new_id()}
    ada, bob = (Person(http, up.url, up.token(user_id, name), user_id=user_id) for name, user_id in ids.items())
    started = {"participantIds": [bob.id], "bountyId": "undefined"}
    status, answer = await ada.call("POST", "/api/conversations", started)
    room = answer["conversation"]["id"]
    assert (status, answer["conversation"]["bountyId"]) == (201, None)
    assert (await bob.call("POST", "/api/conversations", {"participantIds": [ada.id], "bountyId": ""}))[0] == 200
    assert (await bob.call("POST", "/api/conversations", {"participantIds": [ada.id], "bountyId": 42}))[0] == 201

    async with http.ws_connect(f"{up.url}/messages/subscribe?token={bob.token}") as socket:
        phone = Phone(socket)
        listening = asyncio.create_task(phone.listen(), name="an old phone")
        await phone.frame("connected")
        for kind, fields in (("ping", {}), ("join", {"conversationId": room}), ("leave", {"conversationId": room})):
            await phone.say(kind, **fields)
        await phone.frame("pong")
        await phone.say("join", conversationId=room)
        sent = await ada.send(room, "Hello")
        await phone.frame("message.new", messageId=sent["id"], senderHandle="ada", text="Hello")
        status, file = await ada.call(
            "POST", f"/api/conversations/{room}/messages", {"mediaUrl": "https://cdn.example/1.jpg"}
        )
        assert (status, file["message"]["text"]) == (201, "")
        await phone.frame("message.new", messageId=file["message"]["id"], mediaUrl="https://cdn.example/1.jpg")
        assert (await ada.call("POST", f"/api/conversations/{room}/typing", {"isTyping": True}))[0] == 200
        await phone.frame("typing.start", senderId=ada.id)
        read = {"messageIds": [sent["id"]], "status": "read"}
        marked = await bob.call("POST", f"/api/conversations/{room}/messages/status", read)
        assert marked == (200, {"success": True, "updatedCount": 1})
        await phone.frame("message.read", seq=sent["seq"], senderId=bob.id)
        listening.cancel()

    status, one = await bob.call("GET", f"/api/conversations/{room}")
    assert (status, one["conversation"]["unreadCount"], one["conversation"]["lastMessage"]["text"]) == (200, 1, "")
    status, page = await bob.call("GET", f"/api/conversations/{room}/messages?page=1&limit=50")
    assert [message["text"] for message in page["messages"]] == ["Hello", ""]
    assert {one["handle"] for one in one["conversation"]["participants"]} == {"ada", "bob"}
    token = {"token": "ExponentPushToken[old]", "platform": "ios", "deviceId": "phone"}
    assert await bob.call("POST", "/notifications/register-token", token) == (200, {"success": True})
    assert (await bob.call("POST", "/notifications/preferences", {"messages_enabled": True}))[0] == 200
    assert (await bob.call("GET", "/notifications/preferences"))[1]["preferences"]["messages_enabled"] is True
    assert await bob.call("DELETE", "/notifications/token", {"token": token["token"]}) == (200, {"success": True})
    assert await bob.call("DELETE", f"/api/conversations/{room}") == (200, {"success": True})
    assert room not in [one["id"] for one in (await bob.call("GET", "/api/conversations"))[1]["conversations"]]


async def test_the_demo_gives_its_page_tokens_that_work(up: Up, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{up.url}/") as response:
        assert response.status == 200
        assert "<html" in await response.text()
    async with http.get(f"{up.url}/demo/config") as response:
        users = (await response.json())["users"]
    ada, bob = (Person(http, up.url, user["token"], user_id=user["id"]) for user in users[:2])

    room = await ada.converse(bob)

    async with bob.phone() as phone:
        await ada.send(room, "Hello")
        await phone.frame("message.new", text="Hello", senderHandle=users[0]["handle"])


async def test_a_push_shows_on_the_demo_page_and_in_the_log(up: Up, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{up.url}/demo/config") as response:
        users = (await response.json())["users"]
    ada, bob = (Person(http, up.url, user["token"], user_id=user["id"]) for user in users[:2])
    await bob.call("POST", "/notifications/register-token", {"token": "ExponentPushToken[demo]"})
    room = await ada.converse(bob)

    async with http.get(f"{up.url}/demo/pushes") as events:
        await ada.send(room, "Look at your phone")
        line = await events.content.readline()
    assert line.startswith(b"data: ")
    assert b'"body":"Look at your phone"' in line
    assert bob.id.encode() in line
    assert "Look at your phone" in up.log()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "parley.example"},
        {"Host": "localhost.evil.example:3001"},
        {"Host": "127.0.0.1", "X-Forwarded-For": "203.0.113.9"},
        {"Host": "localhost", "Forwarded": "for=203.0.113.9"},
        {"Host": "localhost", "Via": "1.1 proxy"},
    ],
)
async def test_behind_a_proxy_or_under_another_name_there_is_no_demo(
    up: Up, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    for path in ("/", "/demo/config", "/demo/pushes"):
        async with http.get(up.url + path, headers=headers) as response:
            assert response.status == 404
            assert "token" not in await response.text()


async def test_the_demo_may_not_be_framed_and_loads_its_own_scripts_alone(up: Up, http: aiohttp.ClientSession) -> None:
    async with http.get(up.url + "/") as response:
        policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy


async def test_a_push_of_somebody_who_is_no_demo_user_shows_on_no_page(up: Up, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{up.url}/demo/config") as response:
        users = (await response.json())["users"]
    ada = Person(http, up.url, users[0]["token"], user_id=users[0]["id"])
    bob = Person(http, up.url, users[1]["token"], user_id=users[1]["id"])
    stranger_id = new_id()
    stranger = Person(http, up.url, up.token(stranger_id, "stranger"), user_id=stranger_id)
    for person, device in ((bob, "demo-b"), (stranger, "demo-s")):
        await person.call("POST", "/notifications/register-token", {"token": f"ExponentPushToken[{device}]"})
    async with http.get(f"{up.url}/demo/pushes") as events:
        await ada.send(await ada.converse(stranger), "for the stranger alone")
        await eventually(lambda: "for the stranger alone" in up.log())
        await ada.send(await ada.converse(bob), "for bob")
        assert b"for bob" in await events.content.readline()


@pytest.mark.parametrize("arguments", [("--no-demo",), ("--host", "0.0.0.0")])
async def test_a_deployment_serves_no_demo_and_mints_no_token(
    tmp_path: Path, http: aiohttp.ClientSession, arguments: tuple[str, ...]
) -> None:
    async with started_up(tmp_path / "data", tmp_path / "up.log", *arguments) as running:
        url = running.url.replace("0.0.0.0", "127.0.0.1")
        for path in ("/", "/demo/config", "/demo/pushes"):
            async with http.get(url + path) as response:
                assert response.status == 404
