"""Files as strangers make them, each from a few lines."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SECRET = b"GPS-SECRET-48.2082N"


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), **options: object) -> bytes:
    """A picture with a gradient, so that turning it shows."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int = 1) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = SECRET.decode()  # ImageDescription
    return tags.tobytes()


def told(kind: str, orientation: int = 1) -> bytes:
    """A picture that tells where it was taken in each way that its form knows, and more behind its end."""
    options: dict[str, Any] = {"exif": exif(orientation)}
    if kind == "JPEG":
        options |= {"comment": SECRET, "xmp": b"<x>" + SECRET + b"</x>"}
    if kind in ("WEBP", "AVIF"):
        options["xmp"] = b"<x>" + SECRET + b"</x>"
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("Comment", SECRET.decode())
        info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        options["pnginfo"] = info
    if kind == "GIF":
        options = {"comment": SECRET}
    return picture(kind, **options) + (b"" if kind == "AVIF" else SECRET)


def png_of(width: int, height: int) -> bytes:
    """A few bytes that say that they are so large a picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * min(width * height, 1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def gif_of(frames: int) -> bytes:
    """One pixel, so many times."""
    frame = (
        b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    )
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b"\x3b"


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def mp4(brand: bytes = b"isom", place: bytes = SECRET) -> bytes:
    """As phones make them: the place stands among the user data."""
    udta = box(b"udta", box(b"\xa9xyz", place))
    return (
        box(b"ftyp", brand + b"\0\0\0\0" + brand)
        + box(b"moov", box(b"mvhd", bytes(100)) + udta)
        + box(b"mdat", b"x" * 999)
    )


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
