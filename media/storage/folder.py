"""A folder as storage. A file appears whole or not at all, and is on the disk before anybody is told of it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from media.storage.port import NoSuchBytes, StorageAway
from shared.ids import new_id

P = ParamSpec("P")
T = TypeVar("T")

CHUNK = 512 * 1024


class FolderStorage:
    """As `port.Storage`. Disk work is done in threads: a slow disk holds up nobody's socket."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, data: bytes) -> None:
        await _away(self._put, key, data)

    async def put_file(self, key: str, path: Path) -> None:
        await _away(self._take, key, path)

    async def size(self, key: str) -> int:
        return await _away(lambda: self._path(key).stat().st_size)

    async def read(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        descriptor = await _away(os.open, self._path(key), os.O_RDONLY)
        try:
            while length > 0:
                data = await _away(os.pread, descriptor, min(CHUNK, length), start)
                if not data:
                    raise StorageAway(f"{key} is shorter than it was")
                start, length = start + len(data), length - len(data)
                yield data
        finally:
            os.close(descriptor)

    async def sizes(self, prefix: str) -> dict[str, int]:
        return await _away(self._sizes, prefix)

    async def delete(self, keys: Sequence[str]) -> None:
        await _away(self._delete, keys)

    async def address(self, key: str, seconds: int) -> str | None:
        return None

    async def check(self) -> None:
        await self.put("check", b"ok")

    def _path(self, key: str) -> Path:
        """Spread over 256 folders by the first two digits of the id, which every key but `check` has."""
        kind, _, rest = key.partition("/")
        return self._root / kind / rest[:2] / rest if rest else self._root / kind

    def _put(self, key: str, data: bytes) -> None:
        draft = self._draft(key)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._settle(draft, self._path(key))

    def _take(self, key: str, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft = self._draft(key)
        shutil.move(path, draft)
        self._settle(draft, self._path(key))

    def _draft(self, key: str) -> Path:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f".{path.name}.{new_id()}")

    def _settle(self, draft: Path, path: Path) -> None:
        draft.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sizes(self, prefix: str) -> dict[str, int]:
        folder = self._path(prefix.rstrip("/"))
        if not folder.is_dir():
            return {}
        found = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
        return {prefix + entry.name: entry.stat().st_size for entry in found}

    def _delete(self, keys: Sequence[str]) -> None:
        for path in map(self._path, keys):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


async def _away(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """In a thread, with the port's exceptions."""
    try:
        return await asyncio.to_thread(work, *arguments, **named)
    except FileNotFoundError as error:
        raise NoSuchBytes(str(error)) from None
    except OSError as error:
        raise StorageAway(f"{type(error).__name__}: {error.strerror or error}") from error
