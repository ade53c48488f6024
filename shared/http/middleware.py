"""What happens to every request, whatever its route: an id, one log line, a measure, an answer in our shape, CORS.

One function, for each middleware of aiohttp's costs every request a coroutine.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from random import getrandbits
from time import monotonic, perf_counter
from typing import Any, NamedTuple

import structlog
from aiohttp import web
from structlog.contextvars import bind_contextvars, clear_contextvars

from shared.http.answers import ALWAYS, INTERNAL, answer, error_answer, http_error_answer
from shared.http.errors import ApiError, forbidden, unavailable
from shared.http.muted import SERVER
from shared.http.origins import Origins
from shared.http.protocol import HttpConnection
from shared.http.repeats import Repeats
from shared.http.strangers import STRANGERS, Strangers
from shared.metrics import ERRORS, HTTP_REQUEST_SECONDS
from shared.tracing import NoTracing, Span, Tracing

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Outages = tuple[type[Exception], ...]

REQUEST_ID = "X-Request-Id"
SPAN = web.RequestKey("span", Span)
"""Of a request that is traced."""
_SANE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET_ROUTES = frozenset({"/health", "/live", "/ready", "/metrics"})
_UNMATCHED = "unmatched"
_REPEATED = frozenset({401, 404, 405, 429})
"""Anybody can have these answers, thousands of them a second: their lines are sampled."""
_LONGEST_PATH = 200
_EXPOSED = f"{REQUEST_ID}, Retry-After, Upload-Offset, Upload-Length, Tus-Resumable, ETag, Content-Range, Accept-Ranges"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": f"Authorization, Content-Type, {REQUEST_ID}, traceparent,"
    " Range, If-None-Match, If-Range, Tus-Resumable, Upload-Offset",
    "Access-Control-Max-Age": "7200",
}


class Dress:
    """Gives a response of this request the headers that all have. Only who sends one by parts calls it, before its
    first part."""

    def __init__(self, dress: Callable[[web.Request, web.StreamResponse, str], None], request_id: str) -> None:
        self._dress = dress
        self._request_id = request_id

    def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._dress(request, response, self._request_id)


DRESS = web.RequestKey("dress", Dress)


class Guard(NamedTuple):
    """Who counts the requests that no gate counts: to pages, to what is not there, and what browsers ask beforehand."""

    strangers: Strangers
    counted: frozenset[str]
    """Routes that count their callers themselves."""

    def admit(self, request: web.Request, route: str) -> None:
        """Raises ApiError 429."""
        request[STRANGERS] = self.strangers
        if route not in self.counted:
            self.strangers.admit(request)


class Middleware:
    """Wraps every handler of an application of this service; `middleware` is what aiohttp is given.

    `outages` are the exceptions that mean that a dependency is away: they are answered 503. `raw` are the paths of
    routes that speak for themselves (a WebSocket), which are neither measured, logged nor traced here.
    """

    def __init__(
        self,
        service: str,
        *,
        origins: Origins,
        outages: Outages,
        raw: Collection[str] = (),
        tracing: Tracing | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._service = service
        self._guard = guard
        self._repeats = Repeats(monotonic)
        self._tracing = tracing or NoTracing()
        self._origins = origins
        self._outages = outages
        self._raw = frozenset(raw)
        self._seconds: dict[tuple[str, str, int], Any] = {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        clear_contextvars()  # of the connection's previous request: they share a task
        route = _route_of(request)
        if route in self._raw:
            return await self._answer(request, route, handler)
        request_id = _request_id(request)
        bind_contextvars(request_id=request_id)
        request[DRESS] = Dress(self._dress, request_id)
        span = self._tracing.request(request.method, route, request.headers) if route not in _QUIET_ROUTES else None
        if span is None:
            response = await self._answer(request, route, handler)
        else:
            response = await self._trace(span, request, route, handler)
        self._dress(request, response, request_id)
        self._note(request, route, response.status, perf_counter() - started)
        return response

    async def _trace(self, span: Span, request: web.Request, route: str, handler: Handler) -> web.StreamResponse:
        request[SPAN] = span
        bind_contextvars(trace_id=span.trace_id)
        response: web.StreamResponse | None = None
        try:
            response = await self._answer(request, route, handler)
            return response
        finally:
            _end(span, response)

    async def _answer(self, request: web.Request, route: str, handler: Handler) -> web.StreamResponse:
        """The one place where what a handler raises becomes an answer."""
        try:
            is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
            if self._guard is not None:
                self._guard.admit(request, "" if is_preflight else route)
            return self._preflight(request) if is_preflight else await handler(request)
        except ApiError as error:
            if error.mutes_strangers and isinstance(request.protocol, HttpConnection):
                request.protocol.mute_strangers(error.retry_after or 0.0)
            return error_answer(error)
        except web.HTTPException as error:
            # aiohttp keeps the one of an unknown route in its request, and the traceback has the request: a circle, in
            # which heads of 100 KB stayed until a collection, 400 MB of them.
            return http_error_answer(error.with_traceback(None))
        except self._outages as error:
            ERRORS.labels(self._service, "dependency").inc()
            log.warning("dependency is away", error=f"{type(error).__name__}: {error}")
            return error_answer(unavailable())
        except Exception:  # a fault of ours: the client learns no more than that
            ERRORS.labels(self._service, "internal").inc()
            log.exception("request failed")
            return answer(INTERNAL, 500)

    def _preflight(self, request: web.Request) -> web.StreamResponse:
        if not self._is_welcome(request):
            raise forbidden("this origin is not allowed")
        return web.Response(status=204, headers=_PREFLIGHT)

    def _is_welcome(self, request: web.Request) -> bool:
        return self._origins.allows(request.headers.get("Origin"), request.headers.get("Host"))

    def _dress(self, request: web.Request, response: web.StreamResponse, request_id: str) -> None:
        headers = response.headers
        headers[REQUEST_ID] = request_id
        headers["Server"] = SERVER  # else aiohttp tells its version
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        headers["Vary"] = "Origin"
        headers.update(request.get(ALWAYS, ()))
        if response.status == 503:
            headers.setdefault("Retry-After", "1")  # also where the answer is no error, but says how things are
        origin = request.headers.get("Origin")
        if origin is not None and self._is_welcome(request):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED

    def _note(self, request: web.Request, route: str, status: int, seconds: float) -> None:
        method = request.method if request.method in _METHODS else "OTHER"
        key = (method, route, status)
        child = self._seconds.get(key)
        if child is None:
            child = self._seconds[key] = HTTP_REQUEST_SECONDS.labels(self._service, method, route, str(status))
        child.observe(seconds)
        # Without the query, which may hold a token.
        told = {"method": method, "path": request.rel_url.raw_path[:_LONGEST_PATH], "ms": round(seconds * 1000, 2)}
        if status in _REPEATED:
            self._repeats.note("request", status=status, route=route, **told)
        else:
            self._repeats.flush()
            (log.debug if _is_quiet(route, status) else log.info)("request", status=status, **told)


def _is_quiet(route: str, status: int) -> bool:
    """Probes, and what services ask each other many times a second: told at info only where it went wrong."""
    return route in _QUIET_ROUTES or (route.startswith("/internal/") and status < 400)


def _end(span: Span, response: web.StreamResponse | None) -> None:
    if response is None:
        span.end(error="the client went away")
        return
    error = f"answered {response.status}" if response.status >= 500 else None
    span.end({"http.response.status_code": response.status}, error=error)


def _route_of(request: web.Request) -> str:
    """The route's pattern, so that no id becomes a label."""
    resource = request.match_info.route.resource
    return _UNMATCHED if resource is None else resource.canonical


def _request_id(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID)
    return given if given is not None and _SANE_ID.match(given) else f"{getrandbits(64):016x}"
