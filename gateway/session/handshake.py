"""What an upgrade request says: the key, the token, the promise to acknowledge. Nothing of it is logged."""

from typing import NamedTuple

from aiohttp import web

from gateway.websocket.upgrade import offered_subprotocols

SUBPROTOCOL = "bearer"


class Handshake(NamedTuple):
    """`token` is None where there is none; `subprotocol` is what the server selects of those offered. `device`: the
    client names itself, which no two of its sockets at a time do."""

    key: str
    token: str | None
    subprotocol: str | None
    acks: bool
    device: str


def read_handshake(request: web.Request, key: str) -> Handshake:
    """The token from the `Authorization` header, the second subprotocol after `bearer`, or `?token=`, in this order.

    Each client has its own way: phones can set headers, browsers only subprotocols.
    `key` is the request's `checked_key`.
    """
    offered = offered_subprotocols(request)
    selected = SUBPROTOCOL if offered and offered[0] == SUBPROTOCOL else None
    token = _bearer(request.headers.get("Authorization", ""))
    if token is None and selected is not None and len(offered) > 1:
        token = offered[1]
    if token is None:
        token = request.query.get("token") or None
    return Handshake(key, token, selected, request.query.get("acks") == "1", request.query.get("device", ""))


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
