"""From what a handler gives, or raises, to a response."""

import asyncio
from collections.abc import Mapping
from math import ceil

import msgspec
from aiohttp import web
from prometheus_client import Counter

from shared.http.errors import ApiError, ErrorBody, late, too_large, unreadable

BODY_SECONDS = 10.0
SLOWEST_BYTES = 16 * 1024
"""A second, beside BODY_SECONDS: half of what the slowest mobile networks (EDGE) bring."""

ALWAYS: web.RequestKey[Mapping[str, str]] = web.RequestKey("always", Mapping)
"""Headers that whatever answers this request carries, refusals too."""

LATE = Counter("parley_http_late_bodies_total", "Requests whose body did not come in time; answered 408.")

_encode = msgspec.json.Encoder().encode
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 417: "expectation_failed"}
_WORDS = {404: "there is no such route", 405: "this route does not take this method"}
INTERNAL = ErrorBody("something went wrong on our side", "internal")


def answer(body: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=_encode(body), status=status, headers=headers, content_type="application/json")


def error_answer(error: ApiError) -> web.Response:
    response = answer(error.body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.ends_connection:
        response.force_close()
    return response


def http_error_answer(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals, in our shape."""
    if error.status < 400:
        return web.Response(status=error.status, headers=error.headers)
    words = _WORDS.get(error.status, error.reason.lower())
    response = answer(ErrorBody(words, _CODES.get(error.status, "malformed")), error.status)
    for name in ("Allow", "Content-Range"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The whole body. Raises ApiError: 413 as soon as it is known to be too large, 400 where it cannot be read, 408
    where it comes too slowly.
    """
    length = request.content_length
    if length is not None and length > max_bytes:
        raise too_large(max_bytes)
    try:
        async with asyncio.timeout(BODY_SECONDS + (max_bytes if length is None else length) / SLOWEST_BYTES):
            return await request.read()
    except TimeoutError:
        LATE.inc()
        raise late() from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large(max_bytes) from None
    except (web.RequestPayloadError, ConnectionError):
        # A broken chunk, a broken gzip, or a client that left in the middle.
        raise unreadable() from None
