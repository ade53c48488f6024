"""Thousands of WebSocket clients on one loop, which do as little as a client can: it must not be the bottleneck."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Container, Iterator
from functools import partial
from typing import cast

from gateway.websocket.frames import Opcode
from tests.bench.load.arrivals import Arrivals
from tests.bench.load.publishing import Publishing
from tests.bench.systems.system import System

_SOURCES = 200
"""Local addresses: one has about 28,000 ports towards one server."""
_PING, _PONG = b"\x89\x00", bytes((0x80 | Opcode.PONG, 0x80)) + bytes(4)
_HEAD_END = b"\r\n\r\n"
CONNECT_SECONDS = 60.0


class NotJoined(Exception):
    """A client could not join; the text says what came instead."""


class Client(asyncio.Protocol):
    """`number` tells its seat. Ready once it is in its rooms."""

    __slots__ = ("_head", "_sockets", "closed", "number", "ready", "transport")

    def __init__(self, sockets: "Sockets", number: int) -> None:
        self._sockets = sockets
        self.number = number
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport
        self.closed = False
        self._head: bytes | None = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._sockets.system.request(self.number))

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            self._sockets.receive(self, data)
        elif not self.ready.done():
            self._greet(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._sockets.lost += 1
        if not self.ready.done():
            self.ready.set_exception(NotJoined("the server closed the connection"))

    def answer_pings(self, data: bytes) -> None:
        if _PING in data:
            self.transport.write(_PONG)

    def _greet(self, data: bytes) -> None:
        """Until it has joined: the answer to the upgrade, then whatever the system says first."""
        self._head = (self._head or b"") + data
        head, found, frames = self._head.partition(_HEAD_END)
        if not found:
            return
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            self.ready.set_exception(NotJoined(repr(head[:80])))
            return
        reply, joined = self._sockets.system.greet(self.number, frames)
        if reply:
            self.transport.write(reply)
            self._head = head + _HEAD_END
        if joined:
            self._head = None
            self.ready.set_result(None)
            self.answer_pings(frames)  # one may have come with the last word


class Sockets:
    """All clients of one workload. `arrivals` is where what they receive is noted, while somebody wants to know."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.clients: list[Client] = []
        self.arrivals: Arrivals | None = None
        self.lost = 0
        self.next_at = 1 << 62
        self.on_count: Callable[[], None] = _nothing
        self.on_data: Callable[[Client, bytes], None] | None = None
        self._publisher: asyncio.WriteTransport | None = None

    async def connect(self, count: int, *, at_once: int = 50, small: Container[int] = ()) -> float:
        """Opens so many more, each into its seat; gives the seconds it took. Raises NotJoined.

        Those whose numbers are in `small` have a receive buffer of a few kilobytes, as a phone that stops reading has;
        loopback's megabytes would hide it.
        """
        numbers = iter(range(len(self.clients), len(self.clients) + count))
        self.clients += [Client(self, number) for number in range(len(self.clients), len(self.clients) + count)]
        begun = time.monotonic()
        async with asyncio.timeout(CONNECT_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._open(numbers, small))
        return time.monotonic() - begun

    async def _open(self, numbers: Iterator[int], small: Container[int]) -> None:
        loop = asyncio.get_running_loop()
        for number in numbers:
            client = self.clients[number]
            raw = socket.socket()
            raw.setblocking(False)
            if number in small:  # before it connects: a window that was once open is not closed again
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.bind((f"127.0.0.{2 + number % _SOURCES}", 0))
            await loop.sock_connect(raw, ("127.0.0.1", self.system.port_of(number)))
            await loop.create_connection(partial(_same, client), sock=raw)
            await client.ready

    def receive(self, client: Client, data: bytes) -> None:
        at_ns = time.monotonic_ns()
        arrivals = self.arrivals
        if arrivals is not None:
            arrivals.add(at_ns, client.number, data)
            if arrivals.count >= self.next_at:
                self.on_count()
        client.answer_pings(data)
        if self.on_data is not None:
            self.on_data(client, data)

    async def settle(self, wanted: int, *, quiet: float = 2.0, limit: float = 20.0) -> None:
        """Returns once so many deliveries have come, or none for `quiet` seconds."""
        assert self.arrivals is not None
        end = changed_at = time.monotonic()
        end += limit
        count = -1
        while self.arrivals.count < wanted and time.monotonic() < end:
            await asyncio.sleep(0.02)
            if self.arrivals.count != count:
                count, changed_at = self.arrivals.count, time.monotonic()
            elif time.monotonic() - changed_at > quiet:
                break

    async def open_publisher(self, publishing: Publishing) -> None:
        """A connection of this process to publish over."""
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, "127.0.0.1", publishing.port
        )
        transport.write(publishing.hello)
        self._publisher = transport

    def publish(self, command: bytes) -> None:
        assert self._publisher is not None
        self._publisher.write(command)

    async def close(self) -> None:
        for client in self.clients:
            with contextlib.suppress(AttributeError):  # one that never connected
                client.transport.abort()
        self.clients = []
        if self._publisher is not None:
            self._publisher.close()
        await asyncio.sleep(0.1)


def _same(client: Client) -> Client:
    return client


def _nothing() -> None: ...
