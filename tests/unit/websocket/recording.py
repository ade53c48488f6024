"""A transport that remembers what was written instead of sending it."""

import asyncio
import time

from gateway.websocket.connection import Connection
from gateway.websocket.limits import Limits
from gateway.websocket.owner import Owner


class RecordingTransport(asyncio.Transport):
    """`slow_seconds` is how long a write takes; `is_lost` makes it raise as uvloop does for a closed handle."""

    def __init__(self, slow_seconds: float = 0.0) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closings = 0
        self.aborts = 0
        self.is_paused = False
        self.slow_seconds = slow_seconds
        self.is_lost = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_lost:
            raise RuntimeError("unable to perform operation; the handler is closed")
        time.sleep(self.slow_seconds)
        if data:  # as every real transport does
            self.writes.append(bytes(data))

    def close(self) -> None:
        self.closings += 1

    def abort(self) -> None:
        self.aborts += 1

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...


class SilentOwner:
    """Hears everything and does nothing."""

    def on_text(self, connection: Connection, data: bytes) -> None: ...

    def on_binary(self, connection: Connection, data: bytes) -> None: ...

    def on_excess(self, connection: Connection, data: bytes) -> None: ...

    def on_alive(self, connection: Connection) -> None: ...

    def on_closed(self, connection: Connection, code: int) -> None: ...


def recorded(slow_seconds: float = 0.0, owner: Owner | None = None) -> tuple[Connection, RecordingTransport]:
    connection, transport = Connection(owner or SilentOwner(), Limits()), RecordingTransport(slow_seconds)
    connection.connection_made(transport)
    return connection, transport
