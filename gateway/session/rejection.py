"""A client that may not come in: a phone cannot see why its upgrade failed, so it is upgraded, told, and closed."""

from typing import Any

from aiohttp import web

from gateway.session.handshake import Handshake
from gateway.websocket.codes import CloseCode
from gateway.websocket.connection import Connection
from gateway.websocket.frames import text_frame
from gateway.websocket.limits import Limits
from gateway.websocket.upgrade import take_over
from shared import frames

RETRY_AFTER_MS = 2000
"""The hint to whom is told to come again; clients add their own jitter."""


class _Nobody:
    """The owner of a connection from which nothing more is wanted."""

    def on_text(self, connection: Connection, data: bytes) -> None: ...

    def on_binary(self, connection: Connection, data: bytes) -> None: ...

    def on_excess(self, connection: Connection, data: bytes) -> None: ...

    def on_alive(self, connection: Connection) -> None: ...

    def on_closed(self, connection: Connection, code: int) -> None: ...


_NOBODY = _Nobody()


class Rejection(Exception):
    """Why a client may not come in: an error frame's code and text, and the close code that says what to do next."""

    def __init__(self, close_code: CloseCode, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.code = code
        self.message = message
        self.fields = fields


def overloaded(message: str) -> Rejection:
    """Come again, a little later."""
    return Rejection(CloseCode.OVERLOADED, "unavailable", message, retryAfterMs=RETRY_AFTER_MS)


def reject(request: web.Request, handshake: Handshake, rejection: Rejection, limits: Limits) -> web.StreamResponse:
    """Upgrades, says why, closes."""
    made: list[Connection] = []

    def make() -> Connection:
        made.append(Connection(_NOBODY, limits))
        return made[0]

    response = take_over(request, handshake.key, make, subprotocol=handshake.subprotocol)
    for connection in made:
        payload = frames.error(code=rejection.code, message=rejection.message, **rejection.fields)
        connection.send(text_frame(payload))
        connection.dismiss(rejection.close_code, rejection.message[:120])
    return response
