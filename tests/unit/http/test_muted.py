"""What follows a refusal is refused unread, where nobody else can have sent it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from prometheus_client import REGISTRY

from services.listening import listening
from shared.http.app import public_app
from shared.http.muted import refusals
from shared.http.origins import Origins
from shared.http.strangers import Strangers
from shared.setting_forms import Bucket
from tests.unit.http.test_app import OpenGate, endpoint
from tests.unit.http.test_protocol import succeed

GET = b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"
WITH_TOKEN = b"GET /mine HTTP/1.1\r\nHost: x\r\nAUTHORIZATION: Bearer t\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (GET, 1),
        (GET * 3, 3),
        (WITH_TOKEN, 0),
        (GET + WITH_TOKEN, 0),
        (GET.replace(b"Host", b"upgrade: websocket\r\nHost"), 0),
        (GET.replace(b"Host", b"X-Forwarded-For: 1.2.3.4\r\nHost"), 0),
        (GET.replace(b"Host", b"Origin: https://app.example\r\nHost"), 0),
        (GET.replace(b"Host", b"Content-Length: 4\r\nHost"), 0),
        (GET.replace(b"/nope", b"/health"), 0),
        (GET.replace(b"GET", b"POST"), 0),
        (GET[:-2], 0),
    ],
)
def test_only_whole_requests_of_strangers_are_refused_unread(data: bytes, count: int) -> None:
    assert refusals(data) == count


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    strangers = Strangers(Bucket(0.01, 2), Bucket(0.01, 2))
    app = public_app("test", [endpoint("/mine", succeed)], OpenGate(), origins=Origins(()), strangers=strangers)
    async with listening(app, "127.0.0.1", 0) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def statuses(reader: asyncio.StreamReader, count: int) -> list[int]:
    found = []
    for _ in range(count):
        found.append(int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]))
        await reader.readuntil(b"}")
    return found


def unread() -> float:
    return REGISTRY.get_sample_value("parley_http_refused_total", {"bucket": "unread"}) or 0.0


async def test_a_stranger_over_the_limit_is_answered_as_often_and_whoever_has_a_token_is_served() -> None:
    async with connected() as (reader, writer):
        answered = []
        for _ in range(3):
            writer.write(GET)
            answered += await statuses(reader, 1)
        before = unread()
        writer.write(GET * 50)
        assert answered + await statuses(reader, 50) == [404, 404] + [429] * 51
        assert unread() == before + 50
        writer.write(WITH_TOKEN)
        assert await statuses(reader, 1) == [200]


async def test_who_asks_and_does_not_read_the_answers_is_cut_off() -> None:
    async with connected() as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            await statuses(reader, 1)
        with pytest.raises(ConnectionError):
            await _ask_for_ever(writer)


async def _ask_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(GET * 1000)
        await writer.drain()
        await asyncio.sleep(0)
