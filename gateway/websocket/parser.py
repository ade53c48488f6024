"""What a client sends (RFC 6455), from bytes in any pieces to whole messages. No I/O.

Nearly all that phones send is one small frame in one read: `whole_frame` reads that without keeping anything.
A `Parser` is needed only while something is partial, fragmented or wrong.
"""

import codecs
import sys
from collections.abc import Iterator

from gateway.websocket.codes import CloseCode, may_be_received
from gateway.websocket.frames import Opcode
from gateway.websocket.header import Header, ProtocolError, read_header

# Text and binary messages come whole, whatever their fragments; a close frame's payload is valid.
Event = tuple[Opcode, bytes]

_NO_BOUND = sys.maxsize

_WHOLE = {0x80 | opcode: opcode for opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG)}


def whole_frame(data: bytes) -> Event | None:
    """What `data` says if it is exactly one valid final frame of at most 125 bytes, and not a close frame.

    None leaves the judgement to a Parser.
    """
    size = len(data) - 6
    if not 0 <= size <= 125 or data[1] != 0x80 | size:
        return None
    opcode = _WHOLE.get(data[0])
    if opcode is None:
        return None
    payload = unmask(data[6:], data[2:6])
    if opcode is Opcode.TEXT and not _is_utf8(payload):
        return None
    return opcode, payload


def unmask(payload: bytes, mask: bytes) -> bytes:
    """Masks, or unmasks, with a mask of four bytes (section 5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


def read_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close frame; 1005 where it is empty. Raises ProtocolError for one that is not valid."""
    if not payload:
        return CloseCode.NO_STATUS, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not may_be_received(code):
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "invalid close code")
    if not _is_utf8(payload[2:]):
        raise ProtocolError(CloseCode.INVALID_TEXT, "a close reason must be UTF-8")
    return code, payload[2:].decode()


def _is_utf8(payload: bytes) -> bool:
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


class Parser:
    """The unfinished input of one connection.

    `limit` bounds a message, all its fragments together, in bytes; a longer one is failed at its header already.
    Memory held is at most `limit` and a few hundred bytes, however the client cuts its frames.
    """

    __slots__ = (
        "_closed",
        "_decoder",
        "_frame",
        "_left",
        "_limit",
        "_message",
        "_opcode",
        "_payload",
        "_rest",
        "begun",
        "is_behind",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""  # of a header that is not complete
        self._frame: Header | None = None
        self._left = 0  # bytes that the frame still lacks
        self._payload = bytearray()  # of a control frame
        self._opcode: Opcode | None = None  # of a message that is not complete
        self._message = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._closed = False
        self.begun = 0  # headers, in the last feeding
        self.is_behind = False  # the last feeding left frames unread

    @property
    def is_idle(self) -> bool:
        """Nothing is partial: a new Parser would do as well."""
        return not self._rest and self._frame is None and self._opcode is None and not self._closed

    def keep(self, data: bytes) -> None:
        """For later, behind what was left unread."""
        self._rest += data

    def take_rest(self) -> bytes:
        """What was left unread, to be fed again."""
        rest, self._rest, self.is_behind = self._rest, b"", False
        return rest

    def feed(self, data: bytes, most: int = _NO_BOUND) -> Iterator[Event]:
        """What became complete with `data`, in order. After a close frame nothing is read, and before frame `most` + 1
        it stops: `is_behind` then, and `take_rest` gives the rest.

        Raises ProtocolError at the first byte that breaks a rule, after all that came before it;
        then, as after an iteration that was given up, the parser must not be fed again.
        """
        data, self._rest, at, self.begun = self._rest + data, b"", 0, 0
        while not self._closed:
            if self._frame is None:
                if self.begun >= most and at < len(data):
                    self._rest, self.is_behind = data[at:], True
                    return
                header = read_header(data, at)
                if header is None:
                    self._rest = data[at:]
                    return
                self._begin(header)
                at = header.end
            piece = data[at : at + self._left]
            at += len(piece)
            event = self._take(piece)
            if event is not None:
                yield event
            elif self._left:
                return

    def _begin(self, header: Header) -> None:
        self._frame, self._left = header, header.length
        self.begun += 1
        if header.is_control:
            return
        if (header.opcode is Opcode.CONTINUATION) != (self._opcode is not None):
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a fragment out of order")
        if len(self._message) + header.length > self._limit:
            raise ProtocolError(CloseCode.MESSAGE_TOO_BIG, f"a message holds at most {self._limit} bytes")
        if self._opcode is None:
            self._opcode = header.opcode
            self._decoder = codecs.getincrementaldecoder("utf-8")() if header.opcode is Opcode.TEXT else None

    def _take(self, piece: bytes) -> Event | None:
        """A piece of the current frame's payload: the event that it completes, if it does."""
        frame = self._frame
        assert frame is not None
        turn = (frame.length - self._left) % 4
        self._left -= len(piece)
        plain = unmask(piece, frame.mask[turn:] + frame.mask[:turn])
        if frame.is_control:
            self._payload += plain
            return None if self._left else self._end_control(frame.opcode)
        self._message += plain
        complete = frame.final and not self._left
        self._check_text(plain, complete)
        if not self._left:
            self._frame = None
        return self._end_message() if complete else None

    def _check_text(self, plain: bytes, complete: bool) -> None:
        """Each piece is checked as it comes, so that a wrong text fails at its first wrong byte."""
        if self._decoder is None:
            return
        try:
            self._decoder.decode(plain, complete)
        except UnicodeDecodeError:
            raise ProtocolError(CloseCode.INVALID_TEXT, "a text must be UTF-8") from None

    def _end_control(self, opcode: Opcode) -> Event:
        payload, self._payload = bytes(self._payload), bytearray()
        self._frame = None
        if opcode is Opcode.CLOSE:
            read_close(payload)
            self._closed = True
        return opcode, payload

    def _end_message(self) -> Event:
        assert self._opcode is not None
        event = self._opcode, bytes(self._message)
        self._opcode, self._decoder, self._message = None, None, bytearray()
        return event
