"""What a workload knows of the system that it measures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from gateway.websocket.frames import Opcode
from tests.bench.load.publishing import Publishing
from tests.bench.machine import LOAD_CPU, SERVER_CPU
from tests.bench.seats import Seats

Groups = Mapping[str, tuple[int, Sequence[int]]]


def client_frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole frame from a client, masked with zeros: as valid as any mask (RFC 6455 5.3), and free."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else bytes((0x80 | 126, size >> 8, size & 255))
    return bytes((0x80 | opcode,)) + length + bytes(4) + payload


def upgrade(path: str, port: int, *headers: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class System(ABC):
    """Started once, with its seats known. `publishing` is there after the start."""

    name: ClassVar[str]

    def __init__(self, directory: Path, seats: Seats, payload_size: int = 0) -> None:
        self.directory = directory
        self.seats = seats
        self.payload_size = payload_size
        self.publishing: Publishing
        self.server_pids: list[int] = []
        self.redis_pids: list[int] = []

    @classmethod
    def missing(cls) -> str | None:
        """What is not installed here, in a few words; None where it can run."""
        return None

    @abstractmethod
    async def start(self, stack: AsyncExitStack) -> None:
        """Everything that it needs, the server on SERVER_CPU; the stack ends it."""

    @abstractmethod
    def port_of(self, connection: int) -> int: ...

    @abstractmethod
    def request(self, connection: int) -> bytes:
        """The upgrade, and frames that may follow it at once."""

    @abstractmethod
    def greet(self, connection: int, frames: bytes) -> tuple[bytes, bool]:
        """What to answer to the bytes after the upgrade, and whether they say that the client is in its rooms."""

    @cached_property
    def rooms_of(self) -> list[list[int]]:
        """The rooms of each connection."""
        return self.seats.by_connection()

    @property
    def groups(self) -> Groups:
        """The processes whose CPU is read, by name; `server` is the one that is compared."""
        return {"server": (SERVER_CPU, self.server_pids), "redis": (LOAD_CPU, self.redis_pids)}
