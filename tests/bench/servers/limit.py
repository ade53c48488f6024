"""The limit of this machine for Python: a bare uvloop protocol that writes one prepared frame to each member's socket.

It knows no user, no order, no slow reader and no lost connection to Redis. What a gateway costs beyond it is what those
cost. python -m tests.bench.servers.limit PORT REDIS_PORT REDIS_PASSWORD
"""

import asyncio
import base64
import hashlib
import sys
from collections import defaultdict
from typing import cast

import uvloop

from gateway.websocket.frames import Opcode, text_frame
from tests.bench.servers.redis_subscriber import Subscriber

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
JOINED = b'{"type":"joined"}'
_rooms: defaultdict[bytes, set[asyncio.Transport]] = defaultdict(set)


def forward(channel: bytes, payload: bytes) -> None:
    frame = text_frame(payload)
    for transport in _rooms[channel]:
        transport.write(frame)


class Member(asyncio.Protocol):
    """GET /room,room,… joins those rooms."""

    __slots__ = ("_channels", "_subscriber", "_transport")

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._channels: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for channel in self._channels:
            _rooms[channel].discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._channels:
            if data[0] & 15 == Opcode.CLOSE:
                self._transport.close()
            return
        key = data[data.index(b"Sec-WebSocket-Key:") + 18 :].split(b"\r", 1)[0].strip()
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._channels = data[data.index(b"/") + 1 :].split(b" ", 1)[0].split(b",")
        self._join(len(self._channels))

    def _join(self, count: int) -> None:
        def joined() -> None:
            nonlocal count
            count -= 1
            if not count:
                self._transport.write(text_frame(JOINED))

        for channel in self._channels:
            _rooms[channel].add(self._transport)
            self._subscriber.subscribe(channel, joined)


async def main(port: int, redis_port: int, password: str) -> None:
    subscriber = await Subscriber.connect(redis_port, password, forward)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Member(subscriber), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
