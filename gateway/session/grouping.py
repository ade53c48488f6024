"""Which sockets of older apps may be one device: what an upgrade request says of where it comes from."""

import hashlib
from collections.abc import Sequence

from aiohttp import web

from gateway.session.handshake import Handshake
from shared.address import client_address
from shared.auth import Identity
from shared.http.origins import is_foreign
from shared.setting_forms import Network

_DIGEST_BYTES = 7
"""Fits into JSON's exact numbers; only sockets of one user are ever compared."""


class Grouping:
    """`is_on`: LEGACY_SOCKETS is `newest`."""

    def __init__(self, *, is_on: bool, trusted_proxies: Sequence[Network]) -> None:
        self._is_on = is_on
        self._trusted_proxies = trusted_proxies

    def group_of(self, request: web.Request, handshake: Handshake, identity: Identity) -> int:
        """A number that sockets of one device share; 0 where the socket is a device of its own: it acknowledges, names
        a `device`, or is a page of another host (a tab)."""
        headers = request.headers
        if not self._is_on or handshake.acks or handshake.device:
            return 0
        if is_foreign(headers.get("Origin"), headers.get("Host")):
            return 0
        address = client_address(request.remote, headers.getall("X-Forwarded-For", ()), self._trusted_proxies)
        shared = (identity.session_id or handshake.token or "", address, headers.get("User-Agent", ""))
        digest = hashlib.sha256("\0".join(shared).encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:_DIGEST_BYTES], "big") >> 3 or 1
