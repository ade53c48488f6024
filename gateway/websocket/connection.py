"""A socket after its upgrade: what is left of it while a phone stays connected for hours."""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, cast

from gateway.websocket.codes import CloseCode
from gateway.websocket.frames import MAX_CONTROL_PAYLOAD, Opcode, close_frame, pong_frame
from gateway.websocket.header import ProtocolError
from gateway.websocket.parser import Event, Parser, read_close, whole_frame


@dataclass(frozen=True, slots=True)
class Limits:
    """One object for all connections of a gateway.

    `message_bytes` bounds what a client may send as one message, `outbox_bytes` what may wait for a client that
    reads slowly, `close_seconds` how long a closing handshake may last before the socket is dropped.
    """

    message_bytes: int = 64 * 1024
    outbox_bytes: int = 256 * 1024
    close_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.message_bytes < MAX_CONTROL_PAYLOAD:
            raise ValueError(f"message_bytes must be at least {MAX_CONTROL_PAYLOAD}")


class Owner(Protocol):
    """Hears what happens on a connection. Nothing here is awaited; one owner may serve any number of connections."""

    def on_text(self, connection: "Connection", data: bytes) -> None:
        """A whole message, valid UTF-8."""

    def on_binary(self, connection: "Connection", data: bytes) -> None:
        """A whole message that is not empty. The connection stays open."""

    def on_alive(self, connection: "Connection") -> None:
        """A frame that says no more than that the client lives: a pong, a ping, or React Native's empty binary."""

    def on_closed(self, connection: "Connection", code: int) -> None:
        """The socket is gone: the last call, made exactly once, never from within `send`, `close` or `abort`.

        `code` is that of whoever closed first: ours, the client's (1005 without one), or 1006 if nobody said so.
        """


class _Writer(Protocol):
    def write(self, data: bytes, /) -> None: ...


class _Discard:
    """Takes the place of a transport that takes no more frames: so a fan-out needs no test per member."""

    __slots__ = ()

    def write(self, data: bytes, /) -> None: ...


class _State(Enum):
    OPEN = auto()
    CLOSING = auto()  # our close frame is out; the client's is awaited
    ENDING = auto()  # nothing is read any more; the end of the socket is awaited
    LOST = auto()


_DISCARD = _Discard()


class Connection(asyncio.Protocol):
    """Owns a transport from the upgrade to its end.

    It holds no task and no timer while it is open, and no buffer while nothing is partial. What waits for a slow
    reader waits in the transport, whose high-water mark is the bound of the outbox: so a write costs no check of ours.
    All methods belong to the event loop's thread, and none of them waits or raises.
    """

    __slots__ = (
        "_alone",
        "_closing",
        "_limits",
        "_out",
        "_owner",
        "_parser",
        "_state",
        "_transport",
        "bucket",
        "heard",
    )

    def __init__(self, owner: Owner, limits: Limits) -> None:
        self.heard = True  # whether bytes came since the heartbeat last asked
        self.bucket: dict[Connection, None] | None = None  # of the heartbeat that watches this connection
        self._owner = owner
        self._limits = limits
        self._alone: tuple[Connection] | None = None
        self._transport: asyncio.Transport
        self._out: _Writer = _DISCARD
        self._parser: Parser | None = None
        self._state = _State.OPEN
        self._closing: tuple[int, asyncio.TimerHandle] | None = None  # with which code, and until when

    @property
    def is_open(self) -> bool:
        """Frames are still taken; False from the first close frame on, whoever sent it."""
        return self._out is not _DISCARD

    @property
    def owner(self) -> Owner:
        """Not to be asked after `on_closed`."""
        return self._owner

    @property
    def alone(self) -> "tuple[Connection]":
        """This connection by itself: one tuple for all the rooms in which its client is the only one here."""
        if self._alone is None:
            self._alone = (self,)
        return self._alone

    def send(self, frames: bytes) -> None:
        """Hands over whole frames, ready-made, to be written in this order. After the end they are dropped.

        Takes any number of frames joined; the same bytes may go to any number of connections. A client that lets
        more than `outbox_bytes` wait is closed with 1013, its close frame behind what waits.
        """
        try:
            self._out.write(frames)
        except RuntimeError:
            # uvloop raises for a handle that it has closed; its connection_lost tells the owner.
            self._out = _DISCARD

    def close(self, code: int, reason: str = "") -> None:
        """Begins the closing handshake; the socket is dropped if the client does not answer in `close_seconds`."""
        if self._state is _State.OPEN:
            self._say_close(code, reason)

    def refuse(self, code: int, reason: str = "") -> None:
        """Closes on a client that breaks the rules: nothing more of it is read, not even its close frame."""
        if self._state is _State.OPEN:
            self._say_close(code, reason)
            self._end_reading()
        elif self._state is _State.CLOSING:
            self._release()

    def abort(self) -> None:
        """Drops the socket and all that waits for it, without a close frame."""
        if self._state is not _State.LOST:
            self._state, self._out = _State.ENDING, _DISCARD
            self._transport.abort()

    # What follows is called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._out = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit it
        self._transport.set_write_buffer_limits(high=self._limits.outbox_bytes)

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self._state is _State.ENDING:
            return
        if self._parser is None:
            event = whole_frame(data)
            if event is not None:
                self._handle(event)
                return
            self._parser = Parser(self._limits.message_bytes)
        self._read(self._parser, data)

    def pause_writing(self) -> None:
        """The transport holds more than `outbox_bytes`."""
        self.close(CloseCode.OVERLOADED, "reads too slowly")

    def eof_received(self) -> None:
        """The client sends no more; without a close frame before it, that is the end. The transport closes itself."""
        self._state, self._out = _State.ENDING, _DISCARD
        self._arm(CloseCode.ABNORMAL)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state is _State.LOST:
            return
        self._state, self._out, self._parser = _State.LOST, _DISCARD, None
        code: int = CloseCode.ABNORMAL
        if self._closing is not None:
            code, deadline = self._closing
            deadline.cancel()
        owner = self._owner
        # Transport and owner refer to this object: let go of them, so that no cycle waits for the collector.
        del self._owner, self._transport
        self._alone = None
        owner.on_closed(self, code)

    def _read(self, parser: Parser, data: bytes) -> None:
        try:
            for event in parser.feed(data):
                self._handle(event)
                if self._state is _State.ENDING:
                    break
        except ProtocolError as error:
            self.refuse(error.code, error.reason)
        if parser.is_idle or self._state is _State.ENDING:
            self._parser = None

    def _handle(self, event: Event) -> None:
        opcode, payload = event
        if opcode is Opcode.CLOSE:
            self._answer_close(payload)
        elif self._state is not _State.OPEN:
            return
        elif opcode is Opcode.TEXT:
            self._owner.on_text(self, payload)
        elif opcode is Opcode.BINARY and payload:
            self._owner.on_binary(self, payload)
        else:
            if opcode is Opcode.PING:
                self.send(pong_frame(payload))
            self._owner.on_alive(self)

    def _answer_close(self, payload: bytes) -> None:
        if self._state is _State.OPEN:
            code, _ = read_close(payload)
            self._say_close(code)
        self._release()

    def _say_close(self, code: int, reason: str = "") -> None:
        """The close frame is the last that is written; what comes for this client later is dropped.

        The state changes first: this write may be the one that overfills the outbox, which closes as well.
        """
        self._state = _State.CLOSING
        self.send(close_frame(None if code == CloseCode.NO_STATUS else code, reason))
        self._out = _DISCARD
        self._arm(code)

    def _release(self) -> None:
        """Both close frames are through: the server ends the connection first (RFC 6455 section 7.1.1)."""
        self._state = _State.ENDING
        self._transport.close()

    def _end_reading(self) -> None:
        """Closing a socket with unread input resets it, and the client might never see our close frame.

        So the output ends first, and the input is read into nothing until the client ends too, or the deadline.
        """
        self._state = _State.ENDING
        if not self._transport.can_write_eof():  # TLS
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has reset the connection, and the loop has not yet seen it
            self._transport.abort()

    def _arm(self, code: int) -> None:
        if self._closing is None:
            self._closing = code, asyncio.get_running_loop().call_later(self._limits.close_seconds, self.abort)
