"""Takes what tells of place and device out of an MP4: the boxes keep their length and say nothing any more."""

from collections.abc import Iterator

_INSIDE = (b"moov", b"trak", b"mdia")
_EMPTIED = (b"udta", b"meta", b"uuid")
MOST_BOXES = 10_000


def told(data: memoryview) -> list[tuple[int, int]]:
    """Where such boxes lie, from the byte of their name to their end."""
    return list(_boxes(data, 0, len(data), 0, [MOST_BOXES]))


def _boxes(data: memoryview, at: int, end: int, depth: int, left: list[int]) -> Iterator[tuple[int, int]]:
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        size, name, head = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8]), 8
        if size == 1 and at + 16 <= end:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        stop = end if size == 0 else at + size
        if (size not in (0, 1) and size < head) or stop > end:
            return
        if name in _EMPTIED and (depth > 0 or name != b"uuid"):
            yield at + 4, stop
        elif name in _INSIDE and depth < 4:
            yield from _boxes(data, at + head, stop, depth + 1, left)
        at = stop


def emptied(data: memoryview) -> Iterator[bytes | memoryview]:
    """The whole file, those boxes as free room."""
    at = 0
    for start, end in told(data):
        yield data[at:start]
        yield b"free"
        yield from _zeros(end - start - 4)
        at = end
    yield data[at:]


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield bytes(min(count, 65536))
        count -= 65536
