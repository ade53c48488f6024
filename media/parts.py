"""An upload on its way: pieces in storage, each named by where it begins and by the request that wrote it.

No piece is ever written over: whatever a writer that lost its lease still puts lies beside the others. How far an
upload has come is what the pieces cover from the beginning on.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from media.storage.port import Storage

PART_BYTES = 2 * 1024 * 1024
"""Of memory that each writer takes; and what an acknowledgement makes durable at most."""
_DIGITS = 15


class Slice(NamedTuple):
    """So much of a piece, from `start` of the piece on."""

    key: str
    start: int
    length: int


def prefix(upload: str) -> str:
    return f"parts/{upload}/"


def key(upload: str, offset: int, writer: str) -> str:
    return f"{prefix(upload)}{offset:0{_DIGITS}}-{writer}"


def covered(sizes: dict[str, int]) -> list[Slice]:
    """Slices that follow each other from 0 on, without a gap."""
    pieces = [(int(name.rsplit("/", 1)[1][:_DIGITS]), size, name) for name, size in sizes.items()]
    found, end = list[Slice](), 0
    while True:
        fitting = [(start + size, start, name) for start, size, name in pieces if start <= end < start + size]
        if not fitting:
            return found
        furthest, start, name = max(fitting)
        found.append(Slice(name, end - start, furthest - end))
        end = furthest


def length(slices: list[Slice]) -> int:
    return sum(one.length for one in slices)


async def offset(storage: Storage, upload: str) -> int:
    """How many bytes are there for good."""
    return length(covered(await storage.sizes(prefix(upload))))


async def forget(storage: Storage, upload: str) -> None:
    await storage.delete(list(await storage.sizes(prefix(upload))))
    await storage.delete([prefix(upload).rstrip("/")])


async def assemble(storage: Storage, upload: str, size: int, target: Path) -> bool:
    """Writes the whole upload into a file; whether it is all there."""
    slices = covered(await storage.sizes(prefix(upload)))
    if length(slices) < size:
        return False
    with target.open("wb") as file:
        async for data in _bytes(storage, slices):
            file.write(data)
    return True


async def _bytes(storage: Storage, slices: list[Slice]) -> AsyncIterator[bytes]:
    for one in slices:
        async for data in storage.read(one.key, one.start, one.length):
            yield data
