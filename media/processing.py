"""From the last byte of an upload to `ready` or `rejected`: put together, looked at, scanned, kept.

Any step may be the last one of this process: the pieces stay until persistence knows the outcome, and another process
takes the job up and does all of it again, under the same keys.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from media import parts
from media.confined.look import KEPT, THUMB
from media.nursery import Nursery, NurseryDied
from media.persistence_client import PersistenceAway, PersistenceClient
from media.scan import Scanner, ScannerAway
from media.storage.port import NoSuchBytes, Storage, StorageAway
from shared.ids import new_id
from shared.lifecycle import Tasks
from shared.media_api import ANY_TYPE, INLINE_TYPES, PROCESSING_SECONDS, FinishedRequest, Job

log = structlog.get_logger()

AT_ONCE = 4
CLAIMED = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 16.0
"""Before a job is done again because a part was away: each try reads and writes the whole file."""
TRIES_SECONDS = PROCESSING_SECONDS * 0.8
"""For how long this process tries a job again; a little later another one may claim the job."""


class Processing:
    """`take` is for who wrote the last byte, `sweep` for what nobody does any more: every few seconds."""

    def __init__(
        self,
        storage: Storage,
        persistence: PersistenceClient,
        nursery: Nursery,
        scanner: Scanner,
        work: Path,
        tasks: Tasks,
    ) -> None:
        self._storage = storage
        self._persistence = persistence
        self._nursery = nursery
        self._scanner = scanner
        self._work = work
        self._tasks = tasks
        self._room = asyncio.Semaphore(AT_ONCE)
        self._writer = new_id()

    def take(self, job: Job) -> None:
        self._tasks.start(self._do(job), name="processing")

    async def sweep(self) -> None:
        for job in await self._persistence.claim(self._writer, CLAIMED):
            self.take(job)

    async def _do(self, job: Job) -> None:
        """Tries again while a part is away; what is away for longer is tried by whoever claims the job later."""
        ends_at, pause = monotonic() + TRIES_SECONDS, FIRST_PAUSE_SECONDS
        while not await self._is_done(job) and monotonic() + pause < ends_at:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _is_done(self, job: Job) -> bool:
        async with self._room, self._folder() as folder:
            try:
                await self._finish(job, folder)
            except (StorageAway, PersistenceAway, ScannerAway, NurseryDied) as error:
                log.warning("a file waits", error=f"{type(error).__name__}: {error}")
                return False
        return True

    async def _finish(self, job: Job, folder: Path) -> None:
        source = folder / "source"
        try:
            is_whole = await parts.assemble(self._storage, job.attachment_id, job.size, source)
        except NoSuchBytes:
            is_whole = False
        if not is_whole:  # the collector took it: its row is gone, or about to go
            await self._told(FinishedRequest(job.attachment_id, job.writer, reason="broken"))
            return
        if not await self._scanner.is_clean(source):
            await self._told(FinishedRequest(job.attachment_id, job.writer, reason="scan"))
            return
        found = {} if job.encrypted else await self._nursery.look(source, folder, job.kind)
        if "reason" in found:
            await self._told(FinishedRequest(job.attachment_id, job.writer, reason=found["reason"]))
            return
        await self._told(await self._kept(job, folder, found))

    async def _kept(self, job: Job, folder: Path, found: dict[str, Any]) -> FinishedRequest:
        thumb, kept = folder / THUMB, folder / KEPT
        kept = kept if kept.exists() else folder / "source"
        sha256, size = await asyncio.to_thread(_digest, kept)
        if found.get("has_thumb"):
            await self._storage.put_file(f"thumbs/{job.attachment_id}", thumb)
        await self._storage.put_file(f"files/{job.attachment_id}", kept)
        return FinishedRequest(
            job.attachment_id,
            job.writer,
            content_type=_shown_type(job, found.get("content_type")),
            size=size,
            sha256=sha256,
            width=found.get("width"),
            height=found.get("height"),
            thumbhash=found.get("thumbhash"),
            has_thumb=bool(found.get("has_thumb")),
        )

    async def _told(self, told: FinishedRequest) -> None:
        if await self._persistence.finished(told):
            await parts.forget(self._storage, told.attachment_id)

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        folder = self._work / new_id()
        await asyncio.to_thread(folder.mkdir, parents=True)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _shown_type(job: Job, sniffed: str | None) -> str:
    """By the bytes where they say it; else as announced, unless that is a type that would be shown in place."""
    if job.encrypted:
        return ANY_TYPE
    if sniffed is not None:
        return sniffed
    announced = job.content_type.partition(";")[0].strip().lower()
    return ANY_TYPE if announced in INLINE_TYPES else announced


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
