"""The sending half of a socket: what leaves through its transport, and how that ends."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Protocol, cast

from gateway.websocket.codes import CloseCode
from gateway.websocket.ending import Ending
from gateway.websocket.frames import close_frame, ping_frame
from gateway.websocket.limits import Limits
from gateway.websocket.pacing import SMALL, Pacing

_PING = ping_frame()


class Writer(Protocol):
    def write(self, data: bytes, /) -> None: ...


class Discard:
    """Takes the place of a transport that takes no more frames: so a fan-out needs no test per member."""

    __slots__ = ()

    def write(self, data: bytes, /) -> None: ...


class ConnectionState(Enum):
    OPEN = auto()
    CLOSING = auto()  # our close frame is out; the client's is awaited
    ENDING = auto()  # nothing is read any more; the end of the socket is awaited
    LOST = auto()


DISCARD: Final = Discard()
MUTED: Final = Discard()


class Sender(asyncio.Protocol):
    """Owns a transport. All methods belong to the event loop's thread, and none of them waits or raises."""

    __slots__ = ("_ending", "_limits", "_out", "_pacing", "_state", "_transport", "debt")

    def __init__(self, limits: Limits) -> None:
        self.debt = 0.0  # of the limit of frames
        self._limits = limits
        self._transport: asyncio.Transport
        self._out: Writer = DISCARD
        self._pacing: Pacing | None = None  # while frames of the server's own wait
        self._state = ConnectionState.OPEN
        self._ending: Ending | None = None

    @property
    def is_open(self) -> bool:
        """Frames are still taken; False from the first close frame on, whoever sent it."""
        return self._out is not DISCARD

    def send(self, frames: bytes) -> None:
        """Hands over whole frames, ready-made, to be written in this order. After the end they are dropped.

        Takes any number of frames joined; the same bytes may go to any number of connections. A client that lets
        more than `outbox_bytes` wait is closed with 1013, its close frame behind what waits.
        """
        try:
            self._out.write(frames)
        except RuntimeError:
            # uvloop raises for a handle that it has closed; its connection_lost tells the owner.
            self._out = DISCARD

    def send_own(self, frames: bytes) -> None:
        """As `send`, for what the server says of itself: what of this the client has not taken yet is no reason for
        1013, and does not count against what others cause."""
        if self._out is MUTED:
            return
        if self._pacing is None and len(frames) <= SMALL and not self._waits():
            self.send(frames)
        elif self.is_open:
            self._paced(lambda pacing: pacing.write_own(frames))

    def send_when_drained(self, frame: bytes) -> None:
        """As `send_own`, but it may be overtaken: written once nothing waits for this client."""
        if self.is_open:
            self._paced(lambda pacing: pacing.write_when_drained(frame))

    def reply(self, frames: bytes) -> None:
        """As `send_own`, also while it is muted: answers to what the client itself asks."""
        if self._out is MUTED:
            self._say(frames)
        else:
            self.send_own(frames)

    def mute(self) -> None:
        """Drops what is sent from now on, but for answers; the connection stays open."""
        if self._out is not DISCARD:
            self._out = MUTED

    def unmute(self) -> None:
        if self._out is MUTED:
            self._out = self._pacing or self._transport

    def close(self, code: int, reason: str = "") -> None:
        """Begins the closing handshake; the socket is dropped if the client does not answer in `close_seconds`."""
        if self._state is ConnectionState.OPEN:
            self._say_close(code, reason)

    def ask(self) -> None:
        """Sends a ping; the frame that answers it does not count against the client."""
        self.debt -= self._limits.frames.each_seconds
        self._say(_PING)

    def dismiss(self, code: int, reason: str) -> None:
        """Closes on a client that never came in: whoever sends more than a close frame, and few bytes before it, is
        dropped."""
        self.close(code, reason)
        if self._ending is not None:
            self._ending.is_dismissed = True

    def fail(self, code: int, reason: str = "") -> None:
        """Closes on a client that breaks the rules: nothing more of it is read, not even its close frame."""
        if self._state is ConnectionState.OPEN:
            self._say_close(code, reason)
            self._end_reading()
        elif self._state is ConnectionState.CLOSING:
            self._release()

    def abort(self) -> None:
        """Drops the socket and all that waits for it, without a close frame."""
        if self._state is not ConnectionState.LOST:
            self._state, self._out = ConnectionState.ENDING, DISCARD
            self._transport.abort()

    # --- called by the transport -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._out = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit it
        self._transport.set_write_buffer_limits(high=self._limits.outbox_bytes)

    def pause_writing(self) -> None:
        """The transport holds more than `outbox_bytes`; or anything, while pacing looks at how much that is."""
        if self._pacing is None:
            self._overloaded()

    def resume_writing(self) -> None:
        """The transport holds nothing any more."""
        if self._pacing is not None and self.is_open:
            self._paced(Pacing.go_on)

    def eof_received(self) -> None:
        """The client sends no more; without a close frame before it, that is the end. The transport closes itself."""
        self._state, self._out = ConnectionState.ENDING, DISCARD
        self._arm(CloseCode.ABNORMAL)

    # --- frames of the server's own ----------------------------------------------------------------------------------

    def _say(self, frames: bytes) -> None:
        """As `send`, also while it is muted."""
        try:
            (self._pacing or self._transport if self._out is MUTED else self._out).write(frames)
        except RuntimeError:  # as in `send`
            self._out = DISCARD

    def _waits(self) -> bool:
        return self.is_open and bool(self._transport.get_write_buffer_size())

    def _paced(self, act: Callable[[Pacing], None]) -> None:
        try:
            if self._pacing is None:
                self._begin_pacing()
            pacing = self._pacing
            if pacing is not None:
                act(pacing)
            if self._pacing is not None:  # else that closed it
                self._pacing.go_on()
        except RuntimeError:  # as in `send`
            self._out = DISCARD

    def _begin_pacing(self) -> None:
        """The transport tells from now on whenever it holds nothing."""
        self._pacing = self._out = Pacing(
            self._transport,
            self._limits.outbox_bytes,
            on_overload=self._overloaded,
            on_too_much=self._too_much,
            on_done=self._end_pacing,
        )
        self._transport.set_write_buffer_limits(high=0)

    def _end_pacing(self) -> None:
        if self._out is self._pacing:  # else it is closed, or muted
            self._out = self._transport
        self._pacing = None
        self._transport.set_write_buffer_limits(high=self._limits.outbox_bytes)

    def _overloaded(self) -> None:
        self.close(CloseCode.OVERLOADED, "reads too slowly")

    def _too_much(self) -> None:
        self.close(CloseCode.RESTARTING, "reconnect")

    # --- the end ----------------------------------------------------------------------------------------------------

    def _say_close(self, code: int, reason: str = "") -> None:
        """The close frame is the last that is written; what comes for this client later is dropped.

        The state changes first: this write may be the one that overfills the outbox, which closes as well.
        """
        self._state = ConnectionState.CLOSING
        self._say(close_frame(None if code == CloseCode.NO_STATUS else code, reason))
        self._out = DISCARD
        self._pacing = None  # it refers to this object
        self._arm(code)

    def _release(self) -> None:
        """Both close frames are through: the server ends the connection first (RFC 6455 section 7.1.1)."""
        self._state = ConnectionState.ENDING
        self._transport.close()

    def _end_reading(self) -> None:
        """Closing a socket with unread input resets it, and the client might never see our close frame.

        So the output ends first, and the input is read into nothing until the client ends too, or the deadline.
        """
        self._state = ConnectionState.ENDING
        if self._ending is not None:
            self._ending.discard()
        if not self._transport.can_write_eof():  # TLS
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has reset the connection, and the loop has not yet seen it
            self._transport.abort()

    def _arm(self, code: int) -> None:
        if self._ending is None:
            deadline = asyncio.get_running_loop().call_later(self._limits.close_seconds, self.abort)
            self._ending = Ending(code, deadline)

    def _pause(self) -> None:
        try:
            self._transport.pause_reading()
        except RuntimeError:  # as in `send`
            self._out = DISCARD

    def _resume(self) -> None:
        if self._state in (ConnectionState.OPEN, ConnectionState.CLOSING):
            try:
                self._transport.resume_reading()
            except RuntimeError:  # as in `send`
                self._out = DISCARD
