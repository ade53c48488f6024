"""What media asks of a storage. A key is a path of ours, never a stranger's: `files/…`, `thumbs/…`, `parts/…`."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol


class StorageAway(Exception):
    """Storage does not answer, or takes nothing more. Nothing acknowledged is lost: try again later."""


class NoSuchBytes(LookupError):
    """Storage holds nothing under this key."""


class Storage(Protocol):
    """All raise StorageAway. What was put is there after any death of this process, and of the machine."""

    async def put(self, key: str, data: bytes) -> None:
        """Replaces what was there, as a whole."""

    async def put_file(self, key: str, path: Path) -> None:
        """The same with a file, which is the storage's from then on: it may be moved away."""

    async def size(self, key: str) -> int:
        """Raises NoSuchBytes."""

    def read(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """So many bytes from there on. Raises NoSuchBytes."""

    async def sizes(self, prefix: str) -> dict[str, int]:
        """All keys below a prefix that ends with a slash."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Those that are there."""

    async def address(self, key: str, seconds: int) -> str | None:
        """A signed address that gives the bytes for so long; None where there is none."""

    async def check(self) -> None:
        """That bytes can be written."""
