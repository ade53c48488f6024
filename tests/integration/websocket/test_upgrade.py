import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.websocket.frames import Opcode
from gateway.websocket.upgrade import checked_key, offered_subprotocols, take_over
from tests.integration.websocket.site import ACCEPT, RawClient, Site, handshake, serving
from tests.support.waiting import eventually
from tests.unit.websocket.client_frames import client_frame


async def answer_to(site: Site, request: bytes) -> tuple[int, dict[str, str]]:
    client = await RawClient.open(site)
    client.write(request)
    return await client.read_head()


async def test_an_upgrade_is_answered_as_rfc_6455_shows_it(site: Site) -> None:
    status, headers = await answer_to(site, handshake())
    assert status == 101
    assert headers == {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": ACCEPT}


@pytest.mark.parametrize(
    "changes",
    [{"Upgrade": "WebSocket"}, {"Connection": "keep-alive, Upgrade"}, {"Connection": "UPGRADE"}],
    ids=str,
)
async def test_the_case_of_tokens_and_other_tokens_do_not_matter(site: Site, changes: dict[str, str]) -> None:
    status, _ = await answer_to(site, handshake(**changes))
    assert status == 101


@pytest.mark.parametrize("version", [None, "", "8", "14", "13, 8"])
async def test_another_version_is_refused_with_the_one_that_is_spoken(site: Site, version: str | None) -> None:
    status, headers = await answer_to(site, handshake(Sec_WebSocket_Version=version))
    assert (status, headers["sec-websocket-version"]) == (426, "13")


@pytest.mark.parametrize("upgrade", [None, "h2c"])
async def test_a_request_without_upgrade_is_told_to_upgrade(site: Site, upgrade: str | None) -> None:
    status, headers = await answer_to(site, handshake(Upgrade=upgrade))
    assert (status, headers["upgrade"]) == (426, "websocket")


@pytest.mark.parametrize("key", [None, "", "c2hvcnQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZXM=", "*" * 24])
async def test_a_key_that_is_not_16_bytes_of_base64_is_refused(site: Site, key: str | None) -> None:
    status, _ = await answer_to(site, handshake(Sec_WebSocket_Key=key))
    assert status == 400
    assert site.listener.connections == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        handshake(Connection="close"),
        handshake().replace(b"HTTP/1.1", b"HTTP/1.0"),
        handshake().replace(b"GET", b"HEAD"),
    ],
    ids=["no Connection: Upgrade", "HTTP/1.0", "HEAD"],
)
async def test_what_is_no_handshake_is_refused(site: Site, request_bytes: bytes) -> None:
    status, _ = await answer_to(site, request_bytes)
    assert status in (400, 426)
    assert site.listener.connections == []


async def test_a_refused_client_may_try_again_on_the_same_connection(site: Site) -> None:
    client = await RawClient.open(site)
    client.write(handshake(Sec_WebSocket_Version="8"))
    status, headers = await client.read_head()
    body = await client.reader.readexactly(int(headers["content-length"]))
    assert (status, headers["content-type"]) == (426, "application/json; charset=utf-8")
    assert b'"code":"bad_handshake"' in body
    client.write(handshake())
    assert (await client.read_head())[0] == 101


async def test_compression_is_never_negotiated(site: Site) -> None:
    _, headers = await answer_to(site, handshake(Sec_WebSocket_Extensions="permessage-deflate"))
    assert "sec-websocket-extensions" not in headers


async def test_the_selected_subprotocol_is_named(site: Site) -> None:
    site.subprotocol = "bearer"
    _, headers = await answer_to(site, handshake(Sec_WebSocket_Protocol="bearer, eyJ.x.y"))
    assert headers["sec-websocket-protocol"] == "bearer"


async def test_offered_subprotocols_are_read_in_their_order() -> None:
    offers = list[list[str]]()

    async def remember(request: web.Request) -> web.StreamResponse:
        offers.append(offered_subprotocols(request))
        return web.Response()

    site = Site()
    async with serving(site, handler=remember):
        await answer_to(site, handshake(Sec_WebSocket_Protocol="bearer,  eyJ.x.y ,,"))
        await answer_to(site, handshake())
    assert offers == [["bearer", "eyJ.x.y"], []]


async def test_what_came_right_behind_the_upgrade_is_read(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site, behind=client_frame(Opcode.TEXT, b"early"))
    assert await client.read_frame() == (Opcode.TEXT, b"early")
    assert await client.echoes(b"later")


async def test_much_right_behind_the_upgrade_is_read_to_its_end(site: Site) -> None:
    """aiohttp stops reading above its buffer: the takeover must start it again."""
    count = 40

    async def late(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return await site.upgrade(request)

    async with serving(site, handler=late):
        client = await RawClient.open(site)
        client.write(handshake() + client_frame(Opcode.BINARY, b"x" * 50_000) * count)
        assert (await client.read_head())[0] == 101
        await eventually(lambda: len(site.listener.binaries) == count)
        assert await client.echoes(b"later")


async def test_nothing_is_made_and_no_error_logged_for_a_client_that_left_before_the_answer(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def late(request: web.Request) -> web.StreamResponse:
        entered.set()
        await left.wait()
        return await site.upgrade(request)

    async with serving(site, handler=late):
        client = await RawClient.open(site)
        client.write(handshake())
        await entered.wait()
        client.reset()
        server = site.runner.server
        assert server is not None
        await eventually(lambda: all(handler.transport is None for handler in server.connections))
        left.set()
        await eventually(lambda: server.connections == [])
    assert (site.listener.connections, caplog.text) == ([], "")


async def test_a_request_refused_by_the_handler_itself_makes_nothing() -> None:
    site = Site()

    def unwilling() -> None:
        raise web.HTTPServiceUnavailable

    async def refuse(request: web.Request) -> web.StreamResponse:
        return take_over(request, checked_key(request), unwilling)  # type: ignore[arg-type]

    async with serving(site, handler=refuse):
        status, _ = await answer_to(site, handshake())
    assert status == 503


async def test_an_error_of_the_handler_after_the_takeover_is_logged_and_leaves_the_connection_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site()

    async def fail(request: web.Request) -> web.StreamResponse:
        await site.upgrade(request)
        raise LookupError("after the takeover")

    async with serving(site, handler=fail):
        client = await RawClient.upgraded(site)
        await eventually(lambda: "after the takeover" in caplog.text)
        assert await client.echoes(b"still here")


async def test_the_access_log_tells_of_the_upgrade(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    log = logging.getLogger("test.access")
    with caplog.at_level(logging.INFO, logger=log.name):
        async with serving(site, access_log=log, access_log_format='%a "%r" %s %b %D'):
            await RawClient.upgraded(site)
            await eventually(lambda: '"GET /ws HTTP/1.1" 101 0' in caplog.text)


async def test_aiohttp_shuts_down_at_once_and_leaves_the_closing_to_the_owner(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    async with asyncio.timeout(5):
        await any_site.runner.cleanup()  # its shutdown_timeout is 60 s
    assert await client.echoes(b"still here")
    any_site.connection.close(1012, "restarting")
    assert await client.read_close() == (1012, "restarting")


def alive(*kinds: type) -> Counter[str]:
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds))


@pytest.fixture
def left_of_aiohttp() -> Callable[[], Awaitable[Counter[str]]]:
    async def count() -> Counter[str]:
        await asyncio.sleep(0)
        return alive(web.BaseRequest, web.StreamResponse, RequestHandler)

    return count


async def test_nothing_of_aiohttp_outlives_the_upgrade(
    any_site: Site, left_of_aiohttp: Callable[[], Awaitable[Counter[str]]]
) -> None:
    before, tasks = await left_of_aiohttp(), len(asyncio.all_tasks())
    clients = [await RawClient.upgraded(any_site) for _ in range(10)]
    await eventually(lambda: len(asyncio.all_tasks()) == tasks)
    assert await left_of_aiohttp() - before == Counter()
    assert all([await client.echoes(b"alive") for client in clients])
