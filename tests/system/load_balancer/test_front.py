"""What a load balancer lets through, passes on, writes down and answers itself."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import Fleet
from tests.support.person import Person
from tests.system.load_balancer import balancer
from tests.system.load_balancer.balancer import Starter
from tests.system.load_balancer.conftest import Site

USER, OTHER = ("7c9e6679-7425-40de-944b-e07fc1f90ae7", "0b1c6679-7425-40de-944b-e07fc1f90ae7")


async def test_one_address_serves_everything_but_the_internal_ports(site: Site, http: aiohttp.ClientSession) -> None:
    ada = Person(http, site.front.url, site.fleet.token(USER, "ada"), user_id=USER)
    bob = Person(http, site.front.url, site.fleet.token(OTHER, "bob"), user_id=OTHER)

    async with bob.phone() as phone:
        room = await ada.converse(bob)
        await ada.send(room, "Through the front door")
        await phone.frame("message.new", text="Through the front door")

    assert await balancer.probe(site.front)
    assert (await ada.call("GET", "/health"))[0] == 200
    assert "totalClients" in (await ada.call("GET", "/messages/stats"))[1]
    for path in ("/metrics", "/live", "/ready", "/internal/heads", "/messages"):
        assert (await ada.call("GET", path))[0] == 404, path


async def test_only_parleys_own_paths_below_notifications_reach_parley(site: Site, http: aiohttp.ClientSession) -> None:
    ada = Person(http, site.front.url, site.fleet.token(USER, "ada"), user_id=USER)
    token = {"token": "ExponentPushToken[x]"}

    assert (await ada.call("POST", "/notifications/register-token", token))[0] == 200
    assert (await ada.call("GET", "/notifications/preferences?x=1"))[0] == 200
    assert (await ada.call("DELETE", "/notifications/token", token))[0] == 200
    for path in ("/notifications", "/notifications/", "/notifications/mine", "/notifications/token/x"):
        status, answer = await ada.call("GET", path)
        assert (status, answer["error"]) == (404, "this path is not one of Parley"), path


class TestAddresses:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"RATE_LIMIT_ADDRESS": "0.01:5"}

    async def test_each_client_is_counted_by_its_own_address_whatever_it_claims(self, site: Site) -> None:
        token = site.fleet.token(USER, "ada")

        async def statuses(address: str, claimed: str | None = None) -> list[int]:
            headers = {"Authorization": f"Bearer {token}"} | ({"X-Forwarded-For": claimed} if claimed else {})
            connector = aiohttp.TCPConnector(local_addr=(address, 0))
            async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
                return [await _status(session, f"{site.front.url}/api/conversations") for _ in range(6)]

        assert await statuses("127.0.0.2") == [200] * 5 + [429]
        assert await statuses("127.0.0.3") == [200] * 5 + [429]
        assert await statuses("127.0.0.2", claimed="203.0.113.9") == [429] * 6


async def test_no_token_is_written_down_also_when_nobody_is_behind_it(site: Site, http: aiohttp.ClientSession) -> None:
    token = site.fleet.token(USER, "ada")
    url = f"{site.front.url}/messages/subscribe?token={token}"
    headers = {"Authorization": f"Bearer {token}", "Sec-WebSocket-Protocol": f"bearer, {token}"}

    async with http.ws_connect(url, headers=headers) as socket:
        await socket.receive_json()
    await _status(http, f"{site.front.url}/api/conversations?token={token}", Referer=url)
    for name in ("gateway-1", "gateway-2", "persistence-1", "persistence-2"):
        await site.fleet.processes[name].kill()
    for path in ("/messages/subscribe", "/api/conversations", "/messages/%2e%2e/x"):
        assert await _status(http, f"{site.front.url}{path}?token={token}") in (404, 503)
    await _garbage(site.front.url, f"GET /messages/subscribe?token={token} HTTP/9.9\r\n\r\n")

    log = site.front.log()
    assert "/messages/subscribe" in log
    assert token not in log
    assert token.split(".")[2] not in log
    assert "?token" not in log


async def test_where_nobody_answers_the_error_is_parleys_own(
    starter: Starter, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    nobody = Fleet(tmp_path, {}, "")
    gateway, persistence = nobody.add("gateway"), nobody.add("persistence")

    async with balancer.running(starter, tmp_path / "balancer", [gateway], [persistence]) as front:
        for path in ("/messages/subscribe", "/api/conversations"):
            assert await _says_unavailable(http, f"{front.url}{path}")
        assert not await balancer.probe(front)


async def test_where_an_answer_breaks_off_the_error_is_parleys_own(
    starter: Starter, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = str(server.sockets[0].getsockname()[1])
        dying = Fleet(tmp_path, {}, "").add("persistence", PORT=port, INTERNAL_PORT=port)
        async with balancer.running(starter, tmp_path / "balancer", [dying], [dying]) as front:
            assert await _says_unavailable(http, f"{front.url}/api/conversations", method="POST")


async def _says_unavailable(http: aiohttp.ClientSession, url: str, method: str = "GET") -> bool:
    async with http.request(method, url) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert response.content_type == "application/json"
        return bool((await response.json())["code"] == "unavailable")


async def _status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(url, headers=headers) as response:
        return response.status


async def _garbage(url: str, request: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    with contextlib.suppress(OSError):
        await asyncio.wait_for(reader.read(), 10)
    writer.close()
