"""The opening handshake (RFC 6455 section 4.2), and taking the transport over from aiohttp.

aiohttp parses the request and routes it; after the upgrade nothing of it is left. Measured for an idle socket
(aiohttp 3.14): 13.6 KiB with aiohttp's own WebSocketResponse, 1.3 KiB after the takeover.
"""

import base64
import binascii
import hashlib
import socket
from collections.abc import Callable
from typing import Any, NoReturn

import orjson
from aiohttp import HttpVersion11, web

from gateway.websocket.connection import Connection

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_KEY_BYTES = 16
_VERSION = "13"

# Left to itself the kernel hides about 3 MB per client that has stopped reading before a write shows it.
_SEND_BUFFER_BYTES = 64 * 1024


class TakenOver(web.StreamResponse):
    """What a handler returns to aiohttp after `take_over`: there is nothing left for aiohttp to send."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> NoReturn:
        # aiohttp's word for "this connection is over": it logs the access and ends its task.
        raise ConnectionResetError("the transport was taken over")


class _Tail:
    """Stands in for aiohttp's reader of frames, and so is given what came behind the upgrade before its answer."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None: ...


def offered_subprotocols(request: web.Request) -> list[str]:
    """What the client offers, in its order of preference."""
    lines = request.headers.getall("Sec-WebSocket-Protocol", ())
    return [name.strip() for line in lines for name in line.split(",") if name.strip()]


def take_over(
    request: web.Request, key: str, make_connection: Callable[[], Connection], *, subprotocol: str | None = None
) -> TakenOver:
    """Answers the upgrade with 101 and makes a Connection the transport's protocol; the handler must return the result.

    `key` is the request's `checked_key`; `subprotocol` is the one selected, and must be one that the client offered.
    The connection may call its owner before this returns: with a message that came right behind the upgrade. It is not
    made if the client has left. From here on it belongs to whoever made it; aiohttp's shutdown knows nothing of it.
    Compression is never negotiated.
    The server's `handler_cancellation` must be off, as it is by default.
    """
    transport = request.transport
    if transport is None or transport.is_closing():
        return TakenOver()
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    connection = make_connection()
    tail = _detach(request)
    transport.set_protocol(connection)
    connection.connection_made(transport)
    transport.write(_switching_protocols(key, subprotocol))
    if tail:
        connection.data_received(tail)
    return TakenOver()


def _detach(request: web.Request) -> bytes:
    """Makes aiohttp believe that the connection was lost, so that it frees all that it holds for it.

    Gives what came behind the upgrade. Nothing is awaited here, so no byte can arrive for the wrong protocol.
    """
    handler: Any = request.protocol
    tail = _Tail()
    handler.set_parser(tail)
    handler.transport = None  # or connection_lost would close it
    handler.connection_lost(None)
    return tail.data


def _switching_protocols(key: str, subprotocol: str | None) -> bytes:
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    selected = f"Sec-WebSocket-Protocol: {subprotocol}\r\n".encode() if subprotocol else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + selected + b"\r\n"
    )


def checked_key(request: web.Request) -> str:
    """The key of a valid opening handshake. Raises HTTPBadRequest (400) or HTTPUpgradeRequired (426) for any other."""
    headers = request.headers
    # Exactly what aiohttp's parser takes for an upgrade: after anything else it would go on reading HTTP.
    if headers.get("Upgrade", "").lower() != "websocket":
        raise _no_upgrade(web.HTTPUpgradeRequired, "this is a WebSocket: it wants an upgrade", {"Upgrade": "websocket"})
    if request.method != "GET" or request.version < HttpVersion11:
        raise _no_upgrade(web.HTTPBadRequest, "an upgrade is a GET of HTTP/1.1")
    if "upgrade" not in [token.strip().lower() for token in headers.get("Connection", "").split(",")]:
        raise _no_upgrade(web.HTTPBadRequest, "the Connection header must say Upgrade")
    if headers.get("Sec-WebSocket-Version") != _VERSION:
        version = {"Sec-WebSocket-Version": _VERSION}
        raise _no_upgrade(web.HTTPUpgradeRequired, f"Sec-WebSocket-Version must be {_VERSION}", version)
    key = headers.get("Sec-WebSocket-Key", "")
    if not _is_key(key):
        raise _no_upgrade(web.HTTPBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64")
    return key


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _no_upgrade(
    kind: type[web.HTTPException], message: str, headers: dict[str, str] | None = None
) -> web.HTTPException:
    text = orjson.dumps({"error": message, "code": "bad_handshake"}).decode()
    return kind(headers=headers, text=text, content_type="application/json")
