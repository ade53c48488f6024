"""Frames as a client sends them, correct or broken in one named way."""

from gateway.websocket.frames import Opcode
from gateway.websocket.header import ProtocolError
from gateway.websocket.parser import Event, Parser, unmask

MASK = b"\x12\x34\x56\x78"
LIMIT = 64 * 1024


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
    length_bytes: int | None = None,
) -> bytes:
    """`length_bytes` forces an extended length of 2 or 8 bytes where fewer would do."""
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    short = {0: size, 2: 126, 8: 127}[length_bytes]
    head = bytes((0x80 * final | reserved << 4 | opcode, (0x80 if mask else 0) | short))
    extended = size.to_bytes(length_bytes, "big") if length_bytes else b""
    return head + extended + (mask + unmask(payload, mask) if mask else payload)


def text(payload: bytes, *, final: bool = True) -> bytes:
    return client_frame(Opcode.TEXT, payload, final=final)


def more(payload: bytes, *, final: bool = True) -> bytes:
    return client_frame(Opcode.CONTINUATION, payload, final=final)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return client_frame(Opcode.CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


def parse(*pieces: bytes, limit: int = LIMIT) -> list[Event]:
    """What a parser makes of these pieces; ProtocolError as it raises it."""
    parser = Parser(limit)
    return [event for piece in pieces for event in parser.feed(piece)]


def parse_until_error(*pieces: bytes, limit: int = LIMIT) -> tuple[list[Event], int | None]:
    """The events before the first error, and its close code."""
    parser, events = Parser(limit), list[Event]()
    try:
        for piece in pieces:
            for event in parser.feed(piece):
                events.append(event)
    except ProtocolError as error:
        return events, error.code
    return events, None


def by_the_byte(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]
