"""The port's promises, of the folder and of what speaks S3 (here over a store in memory, by the same client)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from media.storage.folder import FolderStorage
from media.storage.port import NoSuchBytes, Storage, StorageAway
from media.storage.s3 import Bucket, S3Storage, store_of

KINDS: list[Callable[[Path], Storage]] = [FolderStorage, lambda _: S3Storage(MemoryStore())]


@pytest.fixture(params=KINDS, ids=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    made: Storage = request.param(tmp_path / "kept")
    return made


async def read(storage: Storage, key: str, start: int, length: int) -> bytes:
    return b"".join([piece async for piece in storage.read(key, start, length)])


async def test_what_was_put_is_read_by_range_and_replaced_as_a_whole(storage: Storage) -> None:
    await storage.put("files/ab", b"0123456789")
    assert (await storage.size("files/ab"), await read(storage, "files/ab", 3, 4)) == (10, b"3456")
    await storage.put("files/ab", b"abc")
    assert (await storage.size("files/ab"), await read(storage, "files/ab", 0, 3)) == (3, b"abc")
    await storage.check()


async def test_a_file_is_taken_over(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "draft"
    path.write_bytes(b"x" * 3_000_000)
    await storage.put_file("files/ab", path)
    assert await read(storage, "files/ab", 0, 3_000_000) == b"x" * 3_000_000
    assert not path.exists()


async def test_keys_below_a_prefix_are_listed_and_deleted_whether_they_are_there_or_not(storage: Storage) -> None:
    await storage.put("parts/ab/1", b"1")
    await storage.put("parts/ab/2", b"22")
    await storage.put("parts/ac/1", b"1")
    assert await storage.sizes("parts/ab/") == {"parts/ab/1": 1, "parts/ab/2": 2}
    await storage.delete(["parts/ab/1", "parts/ab/2", "parts/ab/3"])
    assert await storage.sizes("parts/ab/") == {}
    assert await storage.sizes("parts/none/") == {}


async def test_what_is_not_there_says_so(storage: Storage) -> None:
    with pytest.raises(NoSuchBytes):
        await storage.size("files/ab")
    with pytest.raises(NoSuchBytes):
        await read(storage, "files/ab", 0, 1)


async def test_an_s3_that_is_away_says_so_without_naming_anybody() -> None:
    storage = S3Storage(store_of(Bucket("http://127.0.0.1:1", "b", "r", "KEY-ID", "SECRET")))
    with pytest.raises(StorageAway) as away:
        await storage.put("files/ab", b"x")
    assert "KEY-ID" not in str(away.value)
