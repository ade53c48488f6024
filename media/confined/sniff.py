"""What a file is, by its first bytes: nothing that its name or its sender says counts."""

import re

HEAD_BYTES = 4096

_BRANDS = {
    b"avif": "image/avif", b"avis": "image/avif",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}  # fmt: skip
_VIDEO_BRANDS = re.compile(rb"(isom|iso[2-9]|mp4[12]|avc1|M4V |M4VH|M4VP|mmp4|dash|MSNV|3gp.|3g2.|f4v )")


def sniff(head: bytes) -> str | None:
    """The type, for those that we know; None for all others, which are only ever downloaded."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _of_brand(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska" if b"matroska" in head[:64] else None
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:256] else "audio/ogg"
    return _of_sync(head)


_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"caff", "audio/x-caf"),
    (b"#!AMR", "audio/amr"),
)


def _of_brand(head: bytes) -> str | None:
    brand = head[8:12]
    if brand in _BRANDS:
        return _BRANDS[brand]
    length = int.from_bytes(head[:4], "big")
    if brand in (b"mif1", b"msf1") and b"avif" in head[16 : min(length, 256)]:
        return "image/avif"
    return "video/mp4" if _VIDEO_BRANDS.match(brand) else None


def _of_sync(head: bytes) -> str | None:
    """MPEG audio frames without a tag, and AAC in ADTS: eleven bits, and fields that are not reserved."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer, bitrate, rate = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    is_frame = head[1] & 0xE0 == 0xE0 and layer == 1 and bitrate not in (0, 15) and rate != 3
    return "audio/mpeg" if is_frame else None
