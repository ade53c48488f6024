"""NATS over WebSockets. It is the broker itself: no Redis in its path, and its CPU contains taking in the publish."""

import shutil
from contextlib import AsyncExitStack

from gateway.websocket.frames import Opcode
from services.embedded.ports import free_port
from tests.bench.load.marks import split
from tests.bench.load.publishing import Publishing, payload
from tests.bench.systems.processes import server
from tests.bench.systems.system import System, client_frame, upgrade

_CONFIGURATION = """\
host: "127.0.0.1"
port: {port}
max_connections: 20000
websocket {{ host: "127.0.0.1", port: {web}, no_tls: true, compression: false }}
"""


class Nats(System):
    name = "nats"

    @classmethod
    def missing(cls) -> str | None:
        return None if shutil.which("nats-server") else "nats-server is not installed"

    async def start(self, stack: AsyncExitStack) -> None:
        port, self._web = free_port(), free_port()
        configuration = self.directory / "nats.conf"
        configuration.write_text(_CONFIGURATION.format(port=port, web=self._web))
        command = [shutil.which("nats-server") or "", "-c", str(configuration)]
        log = self.directory / "nats.log"
        self.server_pids = [await stack.enter_async_context(server(command, self._web, log, {"GOMAXPROCS": "1"}))]
        hello = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
        self.publishing = Publishing(port, hello, [split(self._command(room)) for room in range(self.seats.rooms)])

    def _command(self, room: int) -> bytes:
        body = payload(room, self.payload_size)
        return b"PUB room.%d %d\r\n%s\r\n" % (room, len(body), body)

    def port_of(self, connection: int) -> int:
        return self._web

    def request(self, connection: int) -> bytes:
        return upgrade("/", self._web)

    def greet(self, connection: int, frames: bytes) -> tuple[bytes, bool]:
        """INFO comes first; its answer to our PING comes after the subscriptions before it."""
        if b"PONG" in frames:
            return b"", True
        if b"INFO" not in frames:
            return b"", False
        rooms = self.rooms_of[connection]
        subscribe = b"".join(b"SUB room.%d %d\r\n" % (room, room + 1) for room in rooms)
        hello = b'CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1","protocol":0}\r\n'
        return client_frame(Opcode.BINARY, hello + subscribe + b"PING\r\n"), False
