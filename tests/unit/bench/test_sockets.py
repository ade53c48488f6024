"""The benchmark's client: what it must answer so that the server keeps it."""

import asyncio
from typing import Any, cast

from tests.bench.load.sockets import Client, Sockets

PING, PONG = b"\x89\x00", b"\x8a\x80" + bytes(4)
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


class System:
    def request(self, _: int) -> bytes:
        return b"GET / HTTP/1.1\r\n\r\n"

    def greet(self, _: int, frames: bytes) -> tuple[bytes, bool]:
        return b"", b"connected" in frames


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


async def test_a_ping_that_comes_with_the_first_frame_is_answered_like_a_later_one() -> None:
    transport = Transport()
    client = Client(Sockets(cast(Any, System())), 0)
    client.connection_made(cast(asyncio.Transport, transport))
    client.data_received(UPGRADED)
    client.data_received(b"\x81\x09connected" + PING)
    assert client.ready.done()
    assert transport.written[1:] == [PONG]
    client.data_received(PING)
    assert transport.written[1:] == [PONG, PONG]
