"""What a server sends (RFC 6455 section 5): whole frames, never masked, so that one serves every member of a room."""

from enum import IntEnum
from struct import Struct

_FINAL = 0x80
_LENGTH_16 = Struct(">BBH")
_LENGTH_64 = Struct(">BBQ")
_CODE = Struct(">H")

MAX_CONTROL_PAYLOAD = 125


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_TEXT = 0x81
"""Final and text, as a plain number: the hot path makes one frame per event, and an enum's `|` takes half its time."""


def text_frame(payload: bytes) -> bytes:
    """One final text frame. `payload` is UTF-8; that is the caller's promise, not checked here."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65536:
        return _LENGTH_16.pack(_TEXT, 126, size) + payload
    return _LENGTH_64.pack(_TEXT, 127, size) + payload


def ping_frame(payload: bytes = b"") -> bytes:
    """Raises ValueError above 125 bytes."""
    return _control(Opcode.PING, payload)


def pong_frame(payload: bytes = b"") -> bytes:
    """Raises ValueError above 125 bytes."""
    return _control(Opcode.PONG, payload)


def close_frame(code: int | None = None, reason: str = "") -> bytes:
    """Without a code the frame is empty. Raises ValueError for a reason above 123 bytes of UTF-8."""
    return _control(Opcode.CLOSE, b"" if code is None else _CODE.pack(code) + reason.encode())


def _control(opcode: Opcode, payload: bytes) -> bytes:
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(f"a control frame holds at most {MAX_CONTROL_PAYLOAD} bytes, not {len(payload)}")
    return bytes((_FINAL | opcode, len(payload))) + payload
