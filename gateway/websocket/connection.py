"""A socket after its upgrade: what is left of it while a phone stays connected for hours."""

import asyncio
from time import monotonic

from gateway.websocket.codes import CloseCode
from gateway.websocket.frame_limit import Verdict
from gateway.websocket.frames import Opcode, pong_frame
from gateway.websocket.header import ProtocolError
from gateway.websocket.limits import Limits
from gateway.websocket.owner import Owner
from gateway.websocket.parser import Event, Parser, read_close, whole_frame
from gateway.websocket.sender import DISCARD, ConnectionState, Sender

FRAMES_A_TURN = 64
"""Read of one client before the others have their turn: one read of 256 KiB may hold 43,690 frames."""


class Connection(Sender):
    """Owns a transport from the upgrade to its end.

    It holds no task and no timer while it is open, and no buffer while nothing is partial. What waits for a slow
    reader waits in the transport, whose high-water mark is the bound of the outbox: so a write costs no check of ours.
    All methods belong to the event loop's thread, and none of them waits or raises.
    """

    __slots__ = (
        "_alone",
        "_owner",
        "_parser",
        "bucket",
        "heard",
    )

    def __init__(self, owner: Owner, limits: Limits) -> None:
        super().__init__(limits)
        self.heard = True  # whether bytes came since the heartbeat last asked
        self.bucket: dict[Connection, None] | None = None  # of the heartbeat that watches this connection
        self._owner = owner
        self._alone: tuple[Connection] | None = None
        self._parser: Parser | None = None

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

    # What follows is called by the transport.

    def data_received(self, data: bytes) -> None:
        self.heard = True
        self._receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state is ConnectionState.LOST:
            return
        self._state, self._out, self._parser, self._pacing = ConnectionState.LOST, DISCARD, None, None
        code: int = CloseCode.ABNORMAL
        if self._ending is not None:
            code = self._ending.code
            self._ending.deadline.cancel()
        owner = self._owner
        # Transport and owner refer to this object: let go of them, so that no cycle waits for the collector.
        del self._owner, self._transport
        self._alone = None
        owner.on_closed(self, code)

    # --- reading ----------------------------------------------------------------------------------------------------

    def _receive(self, data: bytes) -> None:
        if self._state is not ConnectionState.OPEN and not self._is_still_wanted(data):
            return
        if self._parser is None:
            event = whole_frame(data)
            if event is not None:
                verdict, self.debt = self._limits.frames.judge(self.debt, monotonic())
                self._handle(event, verdict)
                return
            self._parser = Parser(self._limits.message_bytes)
        elif self._parser.is_behind:  # TLS gives what it has, also after `pause_reading`
            self._parser.keep(data)
            return
        self._read(self._parser, data)

    def _is_still_wanted(self, data: bytes) -> bool:
        """After our close frame only the client's is of interest, within few bytes; later nothing is."""
        if self._ending is None:  # aborted
            return False
        is_within = self._ending.take(data)
        if self._state is ConnectionState.CLOSING:
            if not is_within:
                self._give_up()
            return is_within
        if not is_within:
            self._pause()
        return False

    def _read(self, parser: Parser, data: bytes) -> None:
        limit, now = self._limits.frames, monotonic()
        allowed, most = limit.left(self.debt, now)
        try:
            for event in parser.feed(data, min(most, FRAMES_A_TURN)):
                self._handle(event, Verdict.ALLOWED if parser.begun <= allowed else Verdict.EXCESS)
                if self._state is ConnectionState.ENDING:
                    break
        except ProtocolError as error:
            self.fail(error.code, error.reason)
        self.debt = limit.charge(self.debt, now, parser.begun, allowed)
        if parser.is_idle or self._state is ConnectionState.ENDING:
            self._parser = None
        elif parser.is_behind:
            self._go_on(is_flooded=parser.begun == most)

    def _go_on(self, *, is_flooded: bool) -> None:
        """More came than one turn of the loop is for."""
        if self._state is ConnectionState.CLOSING:
            self._give_up()
        elif is_flooded:
            self._flooded()
        else:
            self._pause()
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        parser = self._parser
        if parser is None or not parser.is_behind:
            return
        self._receive(parser.take_rest())
        if self._parser is None or not self._parser.is_behind:
            self._resume()

    def _handle(self, event: Event, verdict: Verdict) -> None:
        opcode, payload = event
        if opcode is Opcode.CLOSE:
            self._answer_close(payload)
        elif self._state is not ConnectionState.OPEN:
            return
        elif verdict is not Verdict.ALLOWED:
            self._spare(event, verdict)
        elif opcode is Opcode.TEXT:
            self._owner.on_text(self, payload)
        elif opcode is Opcode.BINARY and payload:
            self._owner.on_binary(self, payload)
        else:
            if opcode is Opcode.PING:
                self._say(pong_frame(payload))
            self._owner.on_alive(self)

    def _spare(self, event: Event, verdict: Verdict) -> None:
        """A frame beyond the limit is not acted upon; pings and the like not even answered."""
        opcode, payload = event
        if verdict is Verdict.ABUSE:
            self._flooded()
        elif payload and opcode in (Opcode.TEXT, Opcode.BINARY):
            self._owner.on_excess(self, payload)

    def _flooded(self) -> None:
        """Nothing more is taken from this client, so that its own kernel has to hold what it sends."""
        self.fail(CloseCode.TOO_MANY_FRAMES, "too many frames")
        self._parser = None
        self._pause()

    def _give_up(self) -> None:
        """Waits no longer for the client's close frame."""
        self._parser = None
        if self._ending is not None and self._ending.is_dismissed:
            self.abort()
        else:
            self._end_reading()
            self._pause()

    # --- closing ----------------------------------------------------------------------------------------------------

    def _answer_close(self, payload: bytes) -> None:
        if self._state is ConnectionState.OPEN:
            code, _ = read_close(payload)
            self._say_close(code)
        self._release()
