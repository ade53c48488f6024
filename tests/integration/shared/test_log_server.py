"""What aiohttp's server logs by itself about requests it cannot parse."""

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from shared.log import configure_logging

SECRET = "0paque-header-value"
MALFORMED = [
    f"GET /?token={SECRET} HTTP/9.9\r\nHost: a\r\n\r\n",
    f"G@T /?q={SECRET} HTTP/1.1\r\nHost: a\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: a\r\nX-Odd: {SECRET}\x00\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: a\r\n{SECRET}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: a\r\nX-Long: {SECRET * 3000}\r\n\r\n",
    f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SECRET}\r\n\r\n",
    f"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz{SECRET}\r\n",
]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


async def send(server: BaseTestServer, raw: str) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(raw.encode())
    async with asyncio.timeout(5):
        got = await reader.read(4096)
    writer.close()
    return got


@pytest.mark.parametrize("level", ["info", "debug"])
async def test_a_malformed_request_writes_no_byte_of_itself_and_no_stack_trace(stream: io.StringIO, level: str) -> None:
    configure_logging(level, "json", "gateway", stream)
    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with TestServer(app) as server:
        for raw in MALFORMED:
            assert b" 400 " in await send(server, raw)
    written = stream.getvalue()
    assert SECRET not in written
    assert "Traceback" not in written
    assert ("malformed request" in written) == (level == "debug")


async def test_a_fault_in_a_handler_is_logged_with_its_traceback(stream: io.StringIO) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise ZeroDivisionError("a bug")

    configure_logging("info", "json", "gateway", stream)
    app = web.Application()
    app.router.add_get("/", fail)
    async with TestServer(app) as server:
        assert b" 500 " in await send(server, f"GET /?token={SECRET} HTTP/1.1\r\nHost: a\r\n\r\n")
    assert "ZeroDivisionError: a bug" in stream.getvalue()
    assert SECRET not in stream.getvalue()
