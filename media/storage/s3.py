"""S3, or a server that speaks it, as storage."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore, S3Store

from media.storage.port import NoSuchBytes, StorageAway

CHUNK = 512 * 1024
_RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=5)}
_CLIENT: Any = {"allow_http": True, "connect_timeout": "3s", "timeout": "30s"}


@dataclass(frozen=True)
class Bucket:
    endpoint: str | None
    name: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


def store_of(bucket: Bucket) -> ObjectStore:
    """A client; nothing is asked yet."""
    return S3Store(
        bucket.name,
        endpoint=bucket.endpoint,
        region=bucket.region,
        access_key_id=bucket.access_key_id,
        secret_access_key=bucket.secret_access_key,
        virtual_hosted_style_request=False,
        client_options=_CLIENT,
        retry_config=_RETRIES,
    )


class S3Storage:
    """As `port.Storage`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        try:
            await obstore.put_async(self._store, key, data)
        except BaseError as error:
            raise _away(error) from error

    async def put_file(self, key: str, path: Path) -> None:
        try:
            await obstore.put_async(self._store, key, path)
        except BaseError as error:
            raise _away(error) from error
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def size(self, key: str) -> int:
        try:
            return int((await obstore.head_async(self._store, key))["size"])
        except (NotFoundError, FileNotFoundError) as error:
            raise NoSuchBytes(key) from error
        except BaseError as error:
            raise _away(error) from error

    async def read(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._store, key, options={"range": (start, start + length)})
            async for chunk in found.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)
        except (NotFoundError, FileNotFoundError) as error:
            raise NoSuchBytes(key) from error
        except BaseError as error:
            raise _away(error) from error

    async def sizes(self, prefix: str) -> dict[str, int]:
        try:
            found: dict[str, int] = {}
            async for batch in obstore.list(self._store, prefix):
                found |= {str(one["path"]): int(one["size"]) for one in batch}
            return found
        except BaseError as error:
            raise _away(error) from error

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with suppress(NotFoundError, FileNotFoundError):
                try:
                    await obstore.delete_async(self._store, key)
                except (NotFoundError, FileNotFoundError):
                    raise
                except BaseError as error:
                    raise _away(error) from error

    async def address(self, key: str, seconds: int) -> str | None:
        if not isinstance(self._store, S3Store):
            return None
        try:
            return str(await obstore.sign_async(self._store, "GET", key, timedelta(seconds=seconds)))
        except BaseError as error:
            raise _away(error) from error

    async def check(self) -> None:
        await self.put("check", b"ok")


def _away(error: BaseException) -> StorageAway:
    """Without its text: that names hosts, and may name keys."""
    return StorageAway(type(error).__name__)
