"""What comes before a request: heads that are too large, too slow, or no HTTP at all, on a real listener."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from services.listening import listening
from shared.http import answers, crowd
from shared.http.app import public_app
from shared.http.crowd import Bounds
from shared.http.endpoint import Call, Success
from shared.http.origins import Origins
from shared.http.protocol import LONGEST_HEAD, LONGEST_LINE
from tests.unit.http.test_app import OpenGate, endpoint

SECRET = "a" * 50


class Text(msgspec.Struct):
    text: str


@dataclass
class Answer:
    version: str
    status: int
    headers: dict[str, str]
    body: Any


async def succeed(_: Call[Any, Any]) -> Success:
    return Success()


@asynccontextmanager
async def site(bounds: Bounds | None = None) -> AsyncIterator[int]:
    app = public_app(
        "test",
        [endpoint("/public", succeed, public=True), endpoint("/text", succeed, method="POST", body=Text)],
        OpenGate(),
        origins=Origins(()),
    )
    async with listening(app, "127.0.0.1", 0, bounds=bounds or Bounds()) as port:
        yield port


async def exchange(port: int, sent: bytes) -> Answer:
    """What comes back on a connection of its own, to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
    await _close(writer)
    version, status, _ = lines[0].split(" ", 2)
    return Answer(version, int(status), headers, json.loads(body))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def get(*headers: str, path: str = "/public") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: test", *headers, "", ""]).encode()


@pytest.mark.parametrize("header", ["Authorization: Bearer ", "Cookie: session="])
async def test_a_header_of_32_kib_is_accepted(header: str) -> None:
    async with site() as port:
        assert (await exchange(port, get(header + "a" * 32 * 1024))).status == 200


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (get("Authorization: Bearer " + SECRET + "a" * LONGEST_LINE), 431, "head_too_large"),
        (get(path="/public?token=" + SECRET + "a" * LONGEST_LINE), 431, "head_too_large"),
        (get(*["Cookie: " + SECRET + "a" * 100_000 for _ in range(6)]), 431, "head_too_large"),
        (get(*[f"X-{number}: {SECRET}" for number in range(200)]), 431, "head_too_large"),
        (f"GET /{SECRET} HTTP/1.1\r\n{SECRET} no header\r\n\r\n".encode(), 400, "malformed"),
        (f"{SECRET}\r\n\r\n".encode(), 400, "malformed"),
        (b"\x16\x03\x01\x00\xa5\x01\x00", 400, "malformed"),
        (get(f"Content-Length: {SECRET}"), 400, "malformed"),
        (f"GET /public HTTP/1.1\r\nX: {SECRET}\r\n\r\n".encode(), 400, "malformed"),
    ],
    ids=["token", "query", "all of them", "many", "no header", "no HTTP", "TLS", "length", "no host"],
)
async def test_what_is_no_request_is_told_in_json_without_repeating_it(sent: bytes, status: int, code: str) -> None:
    with capture_logs() as logs:
        async with site() as port:
            answer = await exchange(port, sent)
    assert (answer.version, answer.status, answer.body["code"]) == ("HTTP/1.1", status, code)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["server"] == "parley"
    assert SECRET not in f"{answer} {logs}"


async def test_the_lines_of_what_is_no_request_are_sampled() -> None:
    with capture_logs() as logs:
        async with site() as port:
            for _ in range(20):
                await exchange(port, b"\x00\r\n\r\n")
    assert len([line for line in logs if line["event"] == "unreadable request"]) == 1


@asynccontextmanager
async def silent(port: int, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections, one after the other, that have said half a head."""
    opened = []
    try:
        for _ in range(count):
            opened.append(await asyncio.open_connection("127.0.0.1", port))
            opened[-1][1].write(b"GET /public HT")
            await asyncio.sleep(0.01)
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            await _close(writer)


async def test_a_head_that_does_not_come_ends_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "HEAD_SECONDS", 0.1)
    async with site() as port, asyncio.timeout(20), silent(port, 1) as waiting:
        assert await waiting[0].read() == b""


async def test_a_body_that_comes_too_slowly_is_answered_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "BODY_SECONDS", 0.1)
    async with site() as port:
        answer = await exchange(port, b'POST /text HTTP/1.1\r\nHost: test\r\nContent-Length: 20\r\n\r\n{"te')
    assert (answer.status, answer.body["code"]) == (408, "timeout")
    assert answer.headers["connection"] == "close"


async def test_where_all_places_are_taken_who_says_nothing_gives_way_to_a_newcomer() -> None:
    async with site(Bounds(total=3)) as port, asyncio.timeout(20), silent(port, 3) as waiting:
        assert (await exchange(port, get())).status == 200
        assert await waiting[0].read() == b""
        assert not waiting[2].at_eof()


async def test_one_address_has_a_part_of_the_places_and_a_proxy_has_all() -> None:
    bounds = Bounds(total=10, per_address=2)
    async with site(bounds) as port, asyncio.timeout(20), silent(port, 3) as waiting:
        assert await waiting[0].read() == b""
    proxies = [ipaddress.ip_network("127.0.0.0/8")]
    async with site(Bounds(total=10, per_address=2, proxies=proxies)) as port, silent(port, 9) as waiting:
        assert (await exchange(port, get())).status == 200
        assert not any(reader.at_eof() for reader in waiting)


async def test_a_connection_that_rests_between_two_requests_gives_way_last() -> None:
    async with site(Bounds(total=3)) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get())
        await reader.readuntil(b"}")
        async with silent(port, 2) as mute:
            assert (await exchange(port, get())).status == 200
            writer.write(get())
            assert await reader.readuntil(b"}")
            assert await mute[0].read() == b""
        await _close(writer)


async def test_the_head_of_a_request_behind_another_one_is_bounded_too() -> None:
    async with site() as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get() + b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 1000)
        for _ in range(2 * LONGEST_HEAD // 50_000):
            writer.write(b"\r\nX: " + b"a" * 50_000)
            await asyncio.sleep(0.02)
        assert b" 431 " in await reader.read()
        await _close(writer)


async def test_the_end_of_a_large_body_is_not_taken_for_a_head() -> None:
    head = b"POST /public HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n"
    async with site() as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(20):
            writer.write(head + b"x" * 1_000_000)
            assert b" 405 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
        await _close(writer)
