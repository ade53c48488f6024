"""REST clients that cost little: raw keep-alive connections, requests made beforehand, answers read by their length."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import cast

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d+)\r\n")
_HEAD_END = b"\r\n\r\n"

NextRequest = Callable[[], bytes | None]
"""The bytes of the next request; None where there is none any more."""


def post(path: str, port: int, token: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str, port: int, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: "HttpLoad") -> None:
        self._load = load
        self._begun_ns = 0
        self._data = b""
        self.transport: asyncio.Transport
        self.is_busy = False
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes) -> None:
        self.is_busy = True
        self._begun_ns = time.monotonic_ns()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(_HEAD_END)
        if end < 0:
            return
        length = _LENGTH.search(self._data)
        if length is None or len(self._data) < end + len(_HEAD_END) + int(length[1]):
            return
        status = int(self._data[9:12])
        self._data, self.is_busy = b"", False
        self._load.answered(self, status, (time.monotonic_ns() - self._begun_ns) / 1e6)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


class HttpLoad:
    """`statuses` and `latencies_ms` are of all answers since `forget`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: list[_Connection] = []
        self._free: list[_Connection] = []
        self._waiting: list[bytes] = []
        self._next: NextRequest = lambda: None
        self.statuses: Counter[int] = Counter()
        self.latencies_ms: list[float] = []

    async def connect(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
            self._connections.append(connection)
        self._free = list(self._connections)

    def forget(self) -> None:
        self.statuses.clear()
        self.latencies_ms = []

    def answered(self, connection: _Connection, status: int, took_ms: float) -> None:
        self.statuses[status] += 1
        self.latencies_ms.append(took_ms)
        request = self._waiting.pop(0) if self._waiting else self._next()
        if request is None:
            self._free.append(connection)
        else:
            connection.send(request)

    async def closed_loop(self, next_request: NextRequest) -> None:
        """On every connection, one request after the other, until there is none any more."""
        self._next = next_request
        free, self._free = self._free, []
        for connection in free:
            request = next_request()
            if request is None:
                self._free.append(connection)
            else:
                connection.send(request)
        await self.idle()

    async def open_loop(self, requests: Iterator[bytes], rate: float, seconds: float) -> None:
        """At a fixed rate; one that finds no free connection waits for one."""
        begun = time.monotonic()
        sent = 0
        while sent < int(rate * seconds):
            due = int((time.monotonic() - begun) * rate)
            for _ in range(due - sent):
                self._offer(next(requests))
            sent = max(sent, due)
            await asyncio.sleep(min(0.001, 1 / rate))
        await self.idle()

    def _offer(self, request: bytes) -> None:
        if self._free:
            self._free.pop().send(request)
        else:
            self._waiting.append(request)

    async def idle(self, seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while any(connection.is_busy for connection in self._connections):
                await asyncio.sleep(0.005)
        self._next = lambda: None

    def close(self) -> None:
        for connection in self._connections:
            connection.transport.close()
