"""tus 1.0, core and termination: `HEAD`, `PATCH` and `DELETE` of `/api/attachments/{attachment}/content`.

An acknowledged byte lies in storage. A writer has a lease, over all processes, which it renews as long as bytes come.
"""

import asyncio
from time import monotonic

from aiohttp import web
from prometheus_client import Counter

from media import parts
from media.gate import ASKER
from media.persistence_client import PersistenceClient
from media.processing import Processing
from media.storage.port import Storage
from shared.http.endpoint import Call, Nothing
from shared.http.errors import ApiError, malformed, not_found, too_large
from shared.ids import new_id
from shared.media_api import WRITER_SECONDS, State, UploadAnswer, UploadRequest

VERSION = "1.0.0"
TUS = {"Tus-Resumable": VERSION, "Tus-Version": VERSION}
"""Of every answer, refusals too: a client takes what lacks them for another server's."""
CONTENT_TYPE = "application/offset+octet-stream"
SILENT_SECONDS = WRITER_SECONDS * 0.9
"""For which nothing may come: the connection may be dead, and its client waits to go on with another one."""
RENEW_SECONDS = WRITER_SECONDS / 3

BYTES = Counter("parley_media_uploaded_bytes_total", "Bytes of uploads that were put into storage.")
ENDS = Counter("parley_media_uploads_total", "Requests that wrote to uploads, by how they ended.", ["end"])


class Uploads:
    """The handlers."""

    def __init__(self, storage: Storage, persistence: PersistenceClient, processing: Processing) -> None:
        self._storage = storage
        self._persistence = persistence
        self._processing = processing

    async def options(self, _: Call[Nothing, Nothing]) -> web.Response:
        return _answer({"Tus-Extension": "termination"})

    async def head(self, call: Call[Nothing, Nothing]) -> web.Response:
        _check_version(call.request)
        asked = _asked(call)
        found = await self._persistence.look(asked)
        if found.state in (State.MISSING, State.EXPIRED):
            raise _refusal(found)
        offset = found.size if found.state is State.DONE else await parts.offset(self._storage, asked.attachment_id)
        if offset >= found.size and found.state is State.OPEN:
            await self._complete(asked)  # whoever wrote the last byte died before it was said
        return _answer({"Upload-Offset": str(offset), "Upload-Length": str(found.size)}, status=200)

    async def patch(self, call: Call[Nothing, Nothing]) -> web.Response:
        offset = _announced_offset(call.request)
        asked = _asked(call, new_id())
        found = await self._persistence.begin(asked)
        if found.state is State.DONE and offset == found.size:
            return _answer({"Upload-Offset": str(offset)})
        if found.state is not State.OPEN:
            raise _refusal(found)
        writer = _Writer(self._storage, self._persistence, asked, found.size)
        try:
            reached = await writer.write(call.request, offset)
        except BaseException:
            ENDS.labels("broken").inc()
            await asyncio.shield(self._persistence.end(asked.attachment_id, asked.writer, complete=False))
            raise
        await self._end(asked, complete=reached == found.size)
        ENDS.labels("complete" if reached == found.size else "part").inc()
        return _answer({"Upload-Offset": str(reached)})

    async def delete(self, call: Call[Nothing, Nothing]) -> web.Response:
        _check_version(call.request)
        found = await self._persistence.drop(_asked(call))
        if found.state is State.DONE:
            raise ApiError(409, "used", "a message has this file")
        if found.state is State.MISSING:
            raise _refusal(found)
        return _answer({})

    async def _complete(self, asked: UploadRequest) -> None:
        mine = UploadRequest(asked.attachment_id, asked.user_id, asked.session_id, new_id())
        if (await self._persistence.begin(mine)).state is State.OPEN:
            await self._end(mine, complete=True)

    async def _end(self, asked: UploadRequest, *, complete: bool) -> None:
        ended = await self._persistence.end(asked.attachment_id, asked.writer, complete=complete)
        if ended.job is not None:
            self._processing.take(ended.job)


class _Writer:
    """One request's bytes, on their way to storage."""

    def __init__(self, storage: Storage, persistence: PersistenceClient, asked: UploadRequest, size: int) -> None:
        self._storage = storage
        self._persistence = persistence
        self._asked = asked
        self._size = size
        self._buffer = bytearray()
        self._renewed_at = monotonic()

    async def write(self, request: web.Request, offset: int) -> int:
        """How far the upload has come then. What came before a connection broke is kept, though nobody hears of it."""
        there = await parts.offset(self._storage, self._asked.attachment_id)
        if there != offset:
            raise _conflict(there)
        announced = request.content_length
        if announced is not None and announced > self._size - offset:
            raise too_large(self._size - offset)
        try:
            return await self._read(request, offset)
        finally:
            self._buffer.clear()

    async def _read(self, request: web.Request, offset: int) -> int:
        while True:
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    data = await request.content.readany()
            except (TimeoutError, web.RequestPayloadError, ConnectionError):
                await self._flush(offset)
                raise ApiError(408, "timeout", "the bytes stopped coming", ends_connection=True) from None
            if not data:
                return await self._flush(offset)
            self._buffer += data
            if offset + len(self._buffer) > self._size:
                raise too_large(self._size)
            if len(self._buffer) >= parts.PART_BYTES:
                offset = await self._flush(offset)
            await self._renew()

    async def _flush(self, offset: int) -> int:
        if self._buffer:
            name = parts.key(self._asked.attachment_id, offset, self._asked.writer)
            await self._storage.put(name, bytes(self._buffer))
            BYTES.inc(len(self._buffer))
        reached = offset + len(self._buffer)
        self._buffer.clear()
        return reached

    async def _renew(self) -> None:
        if monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        if not await self._persistence.keep(self._asked.attachment_id, self._asked.writer):
            raise ApiError(423, "locked", "another request writes to this upload now", ends_connection=True)
        self._renewed_at = monotonic()


def _asked(call: Call[Nothing, Nothing], writer: str = "") -> UploadRequest:
    asker = call.request[ASKER]
    return UploadRequest(call.ids["attachment"], asker.user_id, asker.session_id, writer)


def _check_version(request: web.Request) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise ApiError(412, "tus_version", f"expected the header Tus-Resumable: {VERSION}")


def _announced_offset(request: web.Request) -> int:
    _check_version(request)
    if request.content_type != CONTENT_TYPE or "Content-Encoding" in request.headers:
        raise ApiError(415, "content_type", f"expected the bytes as {CONTENT_TYPE}")
    given = request.headers.get("Upload-Offset", "")
    if not (given.isascii() and given.isdecimal() and len(given) <= 15):
        raise malformed("Upload-Offset", "expected a whole number")
    return int(given)


def _refusal(found: UploadAnswer) -> ApiError:
    match found.state:
        case State.EXPIRED:
            return ApiError(410, "expired", "the upload ended: announce the file anew")
        case State.BUSY:
            return ApiError(423, "locked", "another request writes to this upload", ends_connection=True)
        case State.DONE:
            return _conflict(found.size)
    return not_found("there is no such upload of yours")


def _conflict(there: int) -> ApiError:
    return ApiError(409, "offset", f"the upload has {there} bytes: go on from there")


def _answer(headers: dict[str, str], status: int = 204) -> web.Response:
    return web.Response(status=status, headers=headers)
