"""`up` keeps what it acknowledged, through SIGKILL in mid-traffic, and leaves nothing behind."""

import asyncio
import itertools
import signal
from pathlib import Path

import aiohttp
import pytest

from shared.ids import new_id
from tests.support.person import Person
from tests.support.up import Up, spawn_up, start_up, started_up
from tests.support.waiting import eventually


def person(up: Up, http: aiohttp.ClientSession, handle: str, user_id: str = "") -> Person:
    user_id = user_id or new_id()
    return Person(http, up.url, up.token(user_id, handle), user_id=user_id)


async def page_after(reader: Person, room: str, seq: int) -> list[str]:
    _, answer = await reader.call("GET", f"/api/conversations/{room}/messages?after={seq}&limit=100")
    return [message["text"] for message in answer["messages"]]


async def test_no_acknowledged_message_is_lost_when_up_is_killed_in_mid_traffic(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    running = await start_up(tmp_path / "data", tmp_path / "up.log")
    ada, bob = person(running, http, "ada"), person(running, http, "bob")
    room = await ada.converse(bob)
    acknowledged: list[str] = []

    async def talk() -> None:
        for number in itertools.count():
            text = f"message {number}"
            await ada.send(room, text, clientId=text)
            acknowledged.append(text)

    talking = asyncio.create_task(talk())
    await eventually(lambda: len(acknowledged) >= 100)
    servers = running.children()
    running.process.kill()
    running.process.wait()
    with pytest.raises(aiohttp.ClientError):
        await talking
    await eventually(lambda: not any(server.is_running() for server in servers), 20)

    async with started_up(tmp_path / "data", tmp_path / "up.log") as again:
        reader = person(again, http, "bob", bob.id)
        stored: list[str] = []
        while texts := await page_after(reader, room, len(stored)):
            stored += texts
        assert stored[: len(acknowledged)] == acknowledged
        assert len(stored) <= len(acknowledged) + 1, "only the one in flight may be there without its answer"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_all_of_it_cleanly(
    tmp_path: Path, http: aiohttp.ClientSession, number: signal.Signals
) -> None:
    running = await start_up(tmp_path / "data", tmp_path / "up.log")
    ada, bob = person(running, http, "ada"), person(running, http, "bob")
    room = await ada.converse(bob)
    servers = running.children()
    assert servers, "the embedded servers run"

    async with bob.phone() as phone:
        await ada.send(room, "Hello")
        await phone.frame("message.new")
        assert await running.stop(number) == 0
        await eventually(lambda: phone.socket.closed)
        assert phone.socket.close_code == 1012

    assert not any(server.is_running() for server in servers)
    assert "Traceback" not in running.log()
    assert '"level":"error"' not in running.log()


@pytest.mark.parametrize("seconds", [0.4, 0.7, 1.0])
async def test_a_signal_in_the_middle_of_the_start_ends_it_as_cleanly(tmp_path: Path, seconds: float) -> None:
    starting = spawn_up(tmp_path / "data", tmp_path / "up.log")
    await asyncio.sleep(seconds)  # the moment is the input: anywhere between the fork and the ready line

    code = await starting.stop()

    assert code in (0, -signal.SIGTERM), "-15 only where Python itself was still starting"
    assert "Traceback" not in starting.log()


async def test_two_on_one_data_folder_are_refused_with_one_line(tmp_path: Path) -> None:
    async with started_up(tmp_path / "data", tmp_path / "up.log"):
        with pytest.raises(AssertionError, match="parley: "):
            await start_up(tmp_path / "data", tmp_path / "second.log")


async def test_a_key_set_does_not_take_the_developers_own_tokens(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with started_up(tmp_path / "data", tmp_path / "up.log", JWT_JWKS_URL="http://127.0.0.1:1/keys") as running:
        listed, _ = await person(running, http, "ada").call("GET", "/api/conversations")
        async with http.get(f"{running.url}/demo/config") as demo:
            told = demo.status
    assert (listed, told) == (200, 200)
