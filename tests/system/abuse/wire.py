"""What an attacker sends: bytes on sockets from an address of loopback that is not the bystander's."""

import asyncio
import base64
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

ADDRESS = "127.0.0.66"
PROXY = "127.0.0.67"
"""The fleet trusts it: what it says in `X-Forwarded-For` counts."""


@dataclass
class Target:
    """The fleet, as a stranger or one bad user sees it. `told` counts what came back: statuses, close codes, resets."""

    gateway: int
    persistence: int
    token: str
    told: Counter[str] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def connection(
        self, port: int, address: str = ADDRESS
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: parley", *headers, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: parley", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def upgrade(token: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return get(
        "/messages/subscribe",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        f"Authorization: Bearer {token}",
    )


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """Masked with zeros, of less than 126 bytes."""
    return bytes([(0x80 if final else 0) | opcode, 0x80 | len(payload)]) + bytes(4) + payload


async def status(reader: asyncio.StreamReader) -> str:
    """Reads one answer to its end; gives its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    if length:
        await reader.readexactly(int(length))
    return head.split(b" ", 2)[1].decode()
