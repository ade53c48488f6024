"""A small site with one WebSocket endpoint, and a client that speaks raw bytes to it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from gateway.websocket.connection import Connection
from gateway.websocket.frames import Opcode, text_frame
from gateway.websocket.limits import Limits
from gateway.websocket.upgrade import checked_key, take_over
from tests.unit.websocket.client_frames import client_frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@dataclass
class Listener:
    """The owner of every connection of a site: remembers what it heard, and answers a text with the same text."""

    connections: list[Connection] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    binaries: list[bytes] = field(default_factory=list)
    excess: int = 0
    alive: int = 0
    closed: list[int] = field(default_factory=list)

    def on_text(self, connection: Connection, data: bytes) -> None:
        self.texts.append(data)
        connection.send(text_frame(data))

    def on_binary(self, connection: Connection, data: bytes) -> None:
        self.binaries.append(data)

    def on_excess(self, connection: Connection, data: bytes) -> None:
        self.excess += 1

    def on_alive(self, connection: Connection) -> None:
        self.alive += 1

    def on_closed(self, connection: Connection, code: int) -> None:
        self.closed.append(code)
        connection.send(text_frame(b"too late"))
        connection.close(1000)
        connection.abort()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """`limits` may be replaced before a client connects."""

    listener: Listener = field(default_factory=Listener)
    limits: Limits = field(default_factory=lambda: Limits(close_seconds=0.3))
    subprotocol: str | None = None
    port: int = 0
    tls: ssl.SSLContext | None = None  # what a client needs to trust this site
    runner: web.AppRunner = field(init=False)
    clients: list["RawClient"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://localhost:{self.port}/ws"

    @property
    def connection(self) -> Connection:
        return self.listener.connections[-1]

    def connect(self) -> Connection:
        self.listener.connections.append(Connection(self.listener, self.limits))
        return self.connection

    async def upgrade(self, request: web.Request) -> web.StreamResponse:
        return take_over(request, checked_key(request), self.connect, subprotocol=self.subprotocol)


@asynccontextmanager
async def serving(
    site: Site, *, server_tls: ssl.SSLContext | None = None, handler: Handler | None = None, **options: Any
) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/ws", handler or site.upgrade)
    runner = site.runner = web.AppRunner(app, **{"access_log": None, **options})
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls).start()
        site.port = runner.addresses[0][1]
        yield
    finally:
        for connection in site.listener.connections:
            connection.abort()
        for client in site.clients:
            client.reset()
        await runner.cleanup()


@dataclass
class RawClient:
    """Reads and writes bytes; knows frames only as far as a test must look at them."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, site: Site, receive_buffer: int | None = None) -> Self:
        """`receive_buffer` fixes what the client's kernel takes while nobody reads; else it grows to megabytes."""
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", site.port))
        name = "localhost" if site.tls else None
        client = cls(*await asyncio.open_connection(sock=raw, ssl=site.tls, server_hostname=name))
        site.clients.append(client)
        return client

    @classmethod
    async def upgraded(cls, site: Site, behind: bytes = b"", receive_buffer: int | None = None) -> Self:
        client = await cls.open(site, receive_buffer)
        client.write(handshake() + behind)
        status, _ = await client.read_head()
        assert status == 101
        return client

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def read_head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, value in headers.items()}

    async def read_frame(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        assert first & 0xF0 == 0x80
        assert second < 0x80
        extended = {126: 2, 127: 8}.get(second, 0)
        size = int.from_bytes(await self.reader.readexactly(extended), "big") if extended else second
        return first & 0x0F, await self.reader.readexactly(size)

    async def read_close(self) -> tuple[int | None, str]:
        """The next frame that is not a text, which is a close frame."""
        opcode, payload = await self.read_frame()
        while opcode == Opcode.TEXT:
            opcode, payload = await self.read_frame()
        assert opcode == Opcode.CLOSE
        return (int.from_bytes(payload[:2], "big") if payload else None), payload[2:].decode()

    async def echoes(self, payload: bytes) -> bool:
        self.write(client_frame(Opcode.TEXT, payload))
        return await self.read_frame() == (Opcode.TEXT, payload)

    def reset(self) -> None:
        self.writer.transport.abort()


def handshake(**changes: str | None) -> bytes:
    """A valid upgrade, with headers changed or left out."""
    headers: dict[str, str | None] = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""]).encode()
