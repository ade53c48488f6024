"""`GET /api/attachments/{attachment}`: the bytes, or a range of them, to who may have them now."""

import re
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple
from urllib.parse import quote

import msgspec
import structlog
from aiohttp import web
from prometheus_client import Counter

from media.access import Access
from media.gate import ASKER
from media.storage.port import NoSuchBytes, Storage, StorageAway
from shared.http.endpoint import Call, Nothing
from shared.http.errors import ApiError, not_found
from shared.http.middleware import DRESS
from shared.media_api import ANY_TYPE, INLINE_TYPES, Ask, File

log = structlog.get_logger()

THUMB_TYPE = "image/webp"
REDIRECT_SECONDS = 60
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})\Z")
# A browser runs nothing of it, and shows it as nothing else than what it is.
_SAFE = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
}
BYTES = Counter("parley_media_downloaded_bytes_total", "Bytes of files that were sent.")


class DownloadQuery(msgspec.Struct):
    """`link`: from `POST …/link`, instead of a token."""

    variant: Literal["thumb"] | None = None
    link: str | None = None


class _Wanted(NamedTuple):
    key: str
    etag: str
    size: int
    content_type: str
    name: str


class _Span(NamedTuple):
    start: int
    length: int


class Downloads:
    """The handler. `redirects`: to a signed address of the storage's own, if it has any."""

    def __init__(self, storage: Storage, access: Access, *, redirects: bool) -> None:
        self._storage = storage
        self._access = access
        self._redirects = redirects

    async def get(self, call: Call[Nothing, DownloadQuery]) -> web.StreamResponse:
        asker, attachment_id = call.request[ASKER], call.ids["attachment"]
        file = await self._access.file(Ask(attachment_id, asker.user_id, asker.session_id))
        if file is None:
            raise _nothing()
        try:
            wanted = await self._wanted(file, is_thumb=call.query.variant == "thumb")
            return await self._answer(call.request, wanted)
        except NoSuchBytes:
            raise _nothing() from None

    async def _wanted(self, file: File, *, is_thumb: bool) -> _Wanted:
        if not is_thumb:
            return _Wanted(f"files/{file.blob}", f'"{file.sha256}"', file.size, file.content_type, file.name)
        if file.thumb is None:
            raise _nothing()
        key = f"thumbs/{file.thumb}"
        size = await self._storage.size(key)
        return _Wanted(key, f'"{file.thumb}-thumb"', size, THUMB_TYPE, "thumbnail.webp")

    async def _answer(self, request: web.Request, wanted: _Wanted) -> web.StreamResponse:
        headers = {**_SAFE, "ETag": wanted.etag}
        if _matches(request.headers.get("If-None-Match"), wanted.etag):
            return web.Response(status=304, headers=headers)
        if self._redirects:
            address = await self._storage.address(wanted.key, REDIRECT_SECONDS)
            if address is not None:
                return web.Response(status=302, headers={**headers, "Location": address})
        asked = _span(request, wanted)
        span = asked or _Span(0, wanted.size)
        headers |= _described(wanted)
        if asked is not None:  # also where it is all: some players take 200 for a server that knows no ranges
            headers["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{wanted.size}"
        response = web.StreamResponse(status=200 if asked is None else 206, headers=headers)
        response.content_length = span.length
        return await self._send(request, response, wanted, span)

    async def _send(
        self, request: web.Request, response: web.StreamResponse, wanted: _Wanted, span: _Span
    ) -> web.StreamResponse:
        """The first bytes are read before anything is said: what is missing is still answered 404, or 503."""
        pieces = self._storage.read(wanted.key, span.start, span.length if request.method != "HEAD" else 0)
        first = await anext(pieces, b"")
        request[DRESS](request, response)
        await response.prepare(request)
        try:
            if request.method != "HEAD":
                await _write(response, first, pieces)
        except ConnectionError:
            return response  # its reader is gone
        except (NoSuchBytes, StorageAway) as error:
            log.warning("a download broke off", error=f"{type(error).__name__}: {error}")
            if request.transport is not None:
                request.transport.abort()  # too few bytes must not look like the whole
            return response
        await response.write_eof()
        return response


async def _write(response: web.StreamResponse, first: bytes, rest: AsyncIterator[bytes]) -> None:
    await response.write(first)
    BYTES.inc(len(first))
    async for piece in rest:
        await response.write(piece)
        BYTES.inc(len(piece))


def _described(wanted: _Wanted) -> dict[str, str]:
    is_inline = wanted.content_type in INLINE_TYPES
    ascii_name = re.sub(r"[^A-Za-z0-9 ._()-]", "_", wanted.name)
    disposition = "inline" if is_inline else "attachment"
    names = f"filename=\"{ascii_name}\"; filename*=UTF-8''{quote(wanted.name, safe='')}"
    return {
        "Content-Type": wanted.content_type if is_inline else ANY_TYPE,
        "Content-Disposition": f"{disposition}; {names}",
    }


def _span(request: web.Request, wanted: _Wanted) -> _Span | None:
    """The one range that is asked for; None for all. Raises ApiError 416."""
    given = request.headers.get("Range")
    if given is None or request.headers.get("If-Range", wanted.etag) != wanted.etag:
        return None
    found = _RANGE.match(given.strip())
    if found is None or not (found[1] or found[2]):
        return None  # several ranges, or other units: RFC 9110 lets a server send all
    if not found[1]:
        length = min(int(found[2]), wanted.size)
        span = _Span(wanted.size - length, length)
    else:
        end = min(int(found[2]) if found[2] else wanted.size - 1, wanted.size - 1)
        span = _Span(int(found[1]), end - int(found[1]) + 1)
    if span.length <= 0:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{wanted.size}"})
    return span


def _matches(given: str | None, etag: str) -> bool:
    if given is None:
        return False
    return given.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in given.split(","))


def _nothing() -> ApiError:
    return not_found("there is no such file for you")
