"""A TCP proxy that breaks a link the way networks do: cut, refuse, stall, delay, and heal again."""

import asyncio
import socket
import ssl
import struct
from typing import Literal, Self

Direction = Literal["up", "down"]
"""up: from who connects to the target; down: back."""

_CHUNK = 64 * 1024
_QUEUED_CHUNKS = 16
"""So little is buffered that a stall soon blocks the sender, as a full window does."""


class FaultProxy:
    """Listens on 127.0.0.1:`port` and carries bytes to the target and back.

    `async with FaultProxy(host, port) as proxy`. Faults take effect at once, on connections open and to come, until
    `heal`; only `cut` is over when it returns. With `tls` it speaks TLS to who connects, and plain TCP to the target.
    """

    def __init__(self, target_host: str, target_port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._target = (target_host, target_port)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows: dict[Direction, asyncio.Event] = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._delay_seconds = 0.0
        self._refusing = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self.heal()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        for writer in self._writers:  # of connections that were cancelled before they had begun
            writer.transport.abort()

    @property
    def connections(self) -> int:
        return len(self._connections)

    def cut(self) -> None:
        """Resets every open connection (RST at both ends); new ones are taken."""
        for writer in self._writers:
            _reset(writer)

    def lead_to(self, host: str, port: int) -> None:
        """New connections go to another target; open ones stay where they are."""
        self._target = (host, port)

    def refuse(self) -> None:
        """Resets new connections; open ones go on."""
        self._refusing = True

    def stall(self, direction: Direction | None = None) -> None:
        """Carries nothing more, in one direction or both, and tells nobody: a half-open link."""
        for flow in [direction] if direction else self._flows:
            self._flows[flow].clear()

    def silence(self) -> None:
        """Open connections carry nothing more, for ever; new ones are whole. `heal` does not bring them back."""
        self.stall()
        self._flows = {"up": asyncio.Event(), "down": asyncio.Event()}
        self.heal()

    def flow(self, direction: Direction) -> None:
        """Ends a stall in this direction."""
        self._flows[direction].set()

    def delay(self, seconds: float) -> None:
        """Adds this to each direction, without changing order or bandwidth."""
        self._delay_seconds = seconds

    def heal(self) -> None:
        """Ends every fault; what a stall held back goes on its way."""
        self._refusing = False
        self._delay_seconds = 0.0
        for flow in self._flows.values():
            flow.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        self._writers.add(writer)
        connection = asyncio.create_task(self._carry(reader, writer), name="fault-proxy")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            target_reader, target_writer = await asyncio.open_connection(*self._target)
            writers.append(target_writer)
            self._writers.add(target_writer)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, target_writer, "up"))
                pumps.create_task(self._pump(target_reader, writer, "down"))
        except* OSError:
            for each in writers:  # one end broke, or there is no target: the other end learns it the same way
                _reset(each)
        finally:
            self._writers.difference_update(writers)
            for each in writers:
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        """Each chunk leaves once its delay is over and the flow is free; the stream's end is carried on too."""
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED_CHUNKS)
        loop = asyncio.get_running_loop()
        flow = self._flows[direction]

        async def read() -> None:
            data = b"more"
            while data:
                data = await reader.read(_CHUNK)
                await chunks.put((loop.time() + self._delay_seconds, data))

        async def write() -> None:
            while True:
                due, data = await chunks.get()
                await asyncio.sleep(due - loop.time())
                await flow.wait()
                if writer.transport.is_closing():  # uvloop's would raise RuntimeError
                    raise ConnectionResetError
                if not data:
                    if writer.can_write_eof():  # TLS knows no half-closed connection
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        async with asyncio.TaskGroup() as halves:
            halves.create_task(read())
            halves.create_task(write())


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST instead of FIN: SO_LINGER of zero seconds."""
    end = writer.get_extra_info("socket")
    if end is not None and end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
