"""The header of a client's frame (RFC 6455 section 5.2), read strictly: masked, and zero where it is reserved."""

from typing import NamedTuple

from gateway.websocket.codes import CloseCode
from gateway.websocket.frames import MAX_CONTROL_PAYLOAD, Opcode

_FINAL_BIT = 0x80
_RESERVED_BITS = 0x70
_MASK_BIT = 0x80
_CONTROL_BIT = 0x08
_OPCODES = {int(opcode): opcode for opcode in Opcode}


class ProtocolError(Exception):
    """The peer broke RFC 6455, or sent more than it may: close with `code`, read nothing more."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Header(NamedTuple):
    """`end` is where the payload begins; `length` counts the payload's bytes."""

    final: bool
    opcode: Opcode
    length: int
    mask: bytes
    end: int

    @property
    def is_control(self) -> bool:
        return self.opcode & _CONTROL_BIT != 0


def read_header(data: bytes, at: int) -> Header | None:
    """The header that begins at `at`, or None while bytes of it are missing (it has at most 14).

    Raises ProtocolError as soon as the bytes that are here break a rule.
    """
    if len(data) - at < 2:
        return None
    first, second = data[at], data[at + 1]
    opcode = _checked_opcode(first, second)
    extended = {126: 2, 127: 8}.get(second & 0x7F, 0)
    end = at + 2 + extended + 4
    if len(data) < end - 4:
        return None
    length = _minimal_length(data[at + 2 : end - 4]) if extended else second & 0x7F
    if len(data) < end:
        return None
    return Header(first & _FINAL_BIT != 0, opcode, length, data[end - 4 : end], end)


def _checked_opcode(first: int, second: int) -> Opcode:
    if first & _RESERVED_BITS:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set")
    opcode = _OPCODES.get(first & 0x0F)
    if opcode is None:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "reserved opcode")
    if not second & _MASK_BIT:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a client's frame must be masked")
    if opcode & _CONTROL_BIT:
        _check_control(first, second)
    return opcode


def _check_control(first: int, second: int) -> None:
    if not first & _FINAL_BIT:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a control frame must not be fragmented")
    if second & 0x7F > MAX_CONTROL_PAYLOAD:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a control frame holds at most 125 bytes")


def _minimal_length(field: bytes) -> int:
    """The extended length: in the fewest bytes that hold it, and its highest bit zero."""
    length = int.from_bytes(field, "big")
    if length < (126 if len(field) == 2 else 65536):
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a length must take the fewest bytes")
    if length >= 1 << 63:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "the highest bit of a length must be zero")
    return length
