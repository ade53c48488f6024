"""An HTTP connection of ours: aiohttp's, with bounds for what comes before a request, and our own words for what is
no request at all. aiohttp answers that with plain text, which repeats what it was sent, and names its version.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from shared.address import UNKNOWN
from shared.http.answers import INTERNAL, answer
from shared.http.crowd import Crowd
from shared.http.errors import ErrorBody
from shared.http.muted import SERVER, refusals, refused
from shared.http.repeats import Repeats
from shared.http.strangers import REFUSED
from shared.metrics import ERRORS

LONGEST_LINE = 160 * 1024
"""Of the request line, and of one header. A token of up to 32 KiB is good; a socket with a longer one is upgraded and
told so, for which the request has to be read; what is longer than this is answered 431."""
LONGEST_HEAD = 192 * 1024
MOST_HEADERS = 128
KEEP_ALIVE_SECONDS = 75.0
"""Between two requests: above the 60 s for which load balancers keep an unused connection (AWS ALB, nginx)."""
LINGER_SECONDS = 2.0
"""For the rest of a body that nobody wants: closed at once, the client might never see its answer."""

MOST_UNREAD_BYTES = 64 * 1024
"""Of answers that wait for a client that goes on asking."""
UNREAD = REFUSED.labels("unread")

log = structlog.get_logger()

Handled = tuple[web.StreamResponse, bool]
_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class HttpConnection(web.RequestHandler):
    """Belongs to a listener's crowd from the accept to its end, or to its upgrade."""

    __slots__ = ("_address", "_body", "_crowd", "_head_bytes", "_is_unreadable", "_muted_until", "_repeats")

    def __init__(self, manager: Any, crowd: Crowd, repeats: Repeats, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            manager,
            loop=loop,
            access_log=cast(Any, None),
            tcp_keepalive=False,  # sockets have their heartbeat, idle HTTP connections their time limit
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )
        self._crowd = crowd
        self._repeats = repeats
        self._address = UNKNOWN
        self._head_bytes = 0
        self._body: StreamReader | None = None  # of the last request, read or not
        self._is_unreadable = False
        self._muted_until = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("socket")
        self._address = peer[0] if peer else UNKNOWN
        if self._crowd.enter(self, self._address, own.fileno() if own else 0, self._loop.time()):
            super().connection_made(transport)
        else:
            self._force_close = True
            cast(asyncio.Transport, transport).abort()

    def abort(self) -> None:
        """Ends the connection now, also where its client does not read: `force_close` would wait for that."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._crowd.leave(self, self._address)
        super().connection_lost(exc)

    def mute_strangers(self, seconds: float) -> None:
        """For so long this connection's requests without a token are not even read."""
        self._muted_until = self._loop.time() + seconds

    def _refuse_unread(self, data: bytes) -> bool:
        if self._loop.time() >= self._muted_until:
            self._muted_until = 0.0
            return False
        if self._request_in_progress or self._messages or self._head_bytes or not self._is_in_head():
            return False
        count = refusals(data)
        if not count or self.transport is None:
            return False
        UNREAD.inc(count)
        self.transport.write(refused(count))
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:  # who asks and does not read the answers
            self.abort()
        return True

    def data_received(self, data: bytes) -> None:
        if self._close or self._force_close or (self._muted_until and self._refuse_unread(data)):
            return
        requests, in_head = self._request_count, self._is_in_head()  # asked before: a read may end a body
        super().data_received(data)
        if self._request_count != requests:
            self._head_bytes = 0
            self._body = self._messages[-1][1]
        elif in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._refuse_head()

    def _is_in_head(self) -> bool:
        """Whether what comes now belongs to a head: to no body, and to no socket."""
        return not self._upgraded and (self._body is None or self._body.is_eof())

    def _refuse_head(self) -> None:
        """aiohttp bounds each line, and their number, which together would be 20 MB. A read may go beyond this one."""
        self._note(431)
        if self.transport is None or self._request_in_progress:
            self.abort()
            return
        self.transport.write(_HEAD_TOO_LARGE)
        self._say_end()
        self._loop.call_later(LINGER_SECONDS, self.abort)

    def _say_end(self) -> None:
        """Drops what still comes, and does not close yet: a reset would take our answer from who is still sending."""
        self._close = True
        transport = self.transport
        if transport is not None and not transport.is_closing() and transport.can_write_eof():
            transport.write_eof()

    async def _handle_request(self, request: web.BaseRequest, start_time: float | None, handler: _Handler) -> Handled:
        self._crowd.works(self)
        try:
            handled = await super()._handle_request(request, start_time, handler)
            if self._is_unreadable:
                self._say_end()
                await asyncio.sleep(LINGER_SECONDS)
            return handled
        finally:
            self._crowd.rests(self, self._address)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp could not make a request of, or what escaped our middleware. Raises ConnectionError where an
        answer has begun.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        if not isinstance(exc, HttpProcessingError):
            ERRORS.labels("http", "internal").inc()
            log.error("request failed outside of its route", status=status, exc_info=exc)
        too_long = isinstance(exc, LineTooLong) or (exc is not None and "Too many headers" in str(exc))
        if status == 400:
            self._is_unreadable = True
            self._note(431 if too_long else 400)
        return _parse_answer(request, 431 if too_long and status == 400 else status)

    def _note(self, status: int) -> None:
        """One line a minute: strangers send such by the thousand, and nothing of them is to be believed."""
        self._repeats.note("unreadable request", status=status, route="unreadable")


def _parse_answer(request: web.BaseRequest, status: int) -> web.StreamResponse:
    response = answer(_WORDS.get(status, INTERNAL), status)
    response.headers.update({"Server": SERVER, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
    # aiohttp takes what it cannot read for HTTP/1.0.
    request._version = HttpVersion11
    response.force_close()
    return response


_WORDS = {
    400: ErrorBody("this is no HTTP request that the server can read", "malformed"),
    431: ErrorBody("the request line, or a header, or all of them, are too large", "head_too_large"),
    504: ErrorBody("the answer took too long", "timeout"),
}


def _canned(status: str, body: ErrorBody) -> bytes:
    text = bytes(cast(bytes, answer(body).body))
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        f"Server: {SERVER}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    ).encode() + text


_HEAD_TOO_LARGE = _canned("431 Request Header Fields Too Large", _WORDS[431])
