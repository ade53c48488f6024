"""Takes out of a picture all that it is not shown by: where it was taken, by what, comments, and whatever lies behind
its end. Nothing is encoded anew. How it is to be turned stays, as the one tag of a new EXIF.

Each takes the whole file and gives pieces. All raise Broken for what is not of its form.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final


class Broken(ValueError):
    """The file is not what its first bytes say."""


Data = memoryview


def exif_of(orientation: int) -> bytes:
    """A TIFF with one tag."""
    return b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01" + struct.pack(">HHI", orientation, 0, 0)


def jpeg(data: Data, orientation: int) -> Iterator[bytes | Data]:
    """Keeps what decoding needs, JFIF, Adobe's colour transform and the colour profile."""
    if bytes(data[:2]) != b"\xff\xd8":
        raise Broken("no start of image")
    yield data[:2]
    if orientation != 1:
        exif = b"Exif\0\0" + exif_of(orientation)
        yield b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    at = 2
    while True:
        marker, end = _segment(data, at)
        if marker == 0xD9:
            yield data[at : at + 2]
            return
        if _jpeg_keeps(marker, data[at + 4 : min(end, at + 20)]):
            yield data[at:end]
        at = end
        if marker == 0xDA:
            scan_end = _scan_end(data, at)
            yield data[at:scan_end]
            at = scan_end


def _segment(data: Data, at: int) -> tuple[int, int]:
    """The marker here, and where its segment ends. Fill bytes before it count as broken."""
    if at + 2 > len(data) or data[at] != 0xFF:
        raise Broken("no marker where one must be")
    marker = data[at + 1]
    if marker == 0xD9:
        return marker, at + 2
    if marker in (0x00, 0xFF, 0x01) or 0xD0 <= marker <= 0xD8 or at + 4 > len(data):
        raise Broken("no segment where one must be")
    end = at + 2 + (data[at + 2] << 8 | data[at + 3])
    if end > len(data) or end < at + 4:
        raise Broken("a segment ends outside of the file")
    return marker, end


def _jpeg_keeps(marker: int, head: Data) -> bool:
    if marker == 0xFE:
        return False
    if not 0xE0 <= marker <= 0xEF:
        return True
    start = bytes(head)
    return (
        (marker == 0xE0 and start.startswith(b"JFIF\0"))
        or (marker == 0xE2 and start.startswith(b"ICC_PROFILE\0"))
        or (marker == 0xEE and start.startswith(b"Adobe"))
    )


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def _scan_end(data: Data, at: int) -> int:
    """Where entropy-coded bytes end: at a marker that is neither a stuffed byte nor a restart."""
    found = _MARKER.search(data, at)
    if found is None:
        raise Broken("no end of image")
    return found.start()


_PNG_KEEPS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs",
     b"acTL", b"fcTL", b"fdAT", b"cICP"}
)  # fmt: skip


def png(data: Data, orientation: int) -> Iterator[bytes | Data]:
    at = 8
    yield data[:8]
    while True:
        if at + 12 > len(data):
            raise Broken("no end of image")
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = bytes(data[at + 4 : at + 8])
        if end > len(data):
            raise Broken("a chunk ends outside of the file")
        if name in _PNG_KEEPS:
            yield data[at:end]
        if name == b"IHDR" and orientation != 1:
            yield _png_chunk(b"eXIf", exif_of(orientation))
        if name == b"IEND":
            return
        at = end


def _png_chunk(name: bytes, body: bytes) -> bytes:
    from zlib import crc32

    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc32(name + body))


_WEBP_KEEPS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04


def webp(data: Data, orientation: int) -> Iterator[bytes | Data]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) or end < 20:
        raise Broken("the file is shorter than it says")
    kept = [piece for piece in _webp_chunks(data, end, orientation) if piece is not None]
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP"
    yield from kept


def _webp_chunks(data: Data, end: int, orientation: int) -> Iterator[bytes | Data | None]:
    at, is_extended = 12, False
    while at < end:
        if at + 8 > end:
            raise Broken("a chunk without a head")
        name, size = bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8], "little")
        following = at + 8 + size + size % 2
        if at + 8 + size > end or (name == b"VP8X" and size < 10):
            raise Broken("a chunk ends outside of the file")
        if name == b"VP8X":
            is_extended = True
            flags = data[at + 8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if orientation != 1 else 0)
            yield bytes(data[at : at + 8]) + bytes([flags]) + bytes(data[at + 9 : following])
        elif name in _WEBP_KEEPS:
            yield data[at:following] if following <= end else bytes(data[at:end]) + b"\0"
        at = following
    if is_extended and orientation != 1:
        exif = exif_of(orientation)
        yield b"EXIF" + struct.pack("<I", len(exif)) + exif


def gif(data: Data, _: int) -> Iterator[bytes | Data]:
    """Drops comments, plain texts and all application data but how often it loops."""
    if len(data) < 13:
        raise Broken("no head")
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    yield data[: min(at, len(data))]
    while True:
        if at >= len(data):
            raise Broken("no end of image")
        kind = data[at]
        if kind == 0x3B:
            yield b"\x3b"
            return
        end = _gif_block(data, at, kind)
        if kind == 0x2C or _gif_keeps(data, at):
            yield data[at:end]
        at = end


def _gif_block(data: Data, at: int, kind: int) -> int:
    if kind == 0x21:
        return _gif_subblocks(data, at + 2)
    if kind != 0x2C or at + 10 > len(data):
        raise Broken("no block where one must be")
    flags = data[at + 9]
    colours = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    return _gif_subblocks(data, at + 11 + colours)


def _gif_keeps(data: Data, at: int) -> bool:
    label = data[at + 1]
    return label == 0xF9 or (label == 0xFF and bytes(data[at + 3 : at + 14]) in (b"NETSCAPE2.0", b"ANIMEXTS1.0"))


def _gif_subblocks(data: Data, at: int) -> int:
    while True:
        if at >= len(data):
            raise Broken("a block ends outside of the file")
        size = data[at]
        at += 1 + size
        if size == 0:
            return at


STRIPS: Final[Mapping[str, Callable[[Data, int], Iterator[bytes | Data]]]] = MappingProxyType(
    {"image/jpeg": jpeg, "image/png": png, "image/webp": webp, "image/gif": gif}
)
"""By type. Of AVIF nothing is known here: it is encoded anew."""
