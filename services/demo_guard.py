"""Whom the demo is for: a browser on this very machine, not one that reached it over a proxy or under another name.

The listen address alone does not tell: a reverse proxy of this machine, or a page of another site whose name resolves
to loopback (DNS rebinding), reaches a listener on loopback too.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from shared.http.errors import not_found

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDING: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob: https:",
        "font-src 'self' data:",
        "media-src 'self' blob: https:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the page may load, and that no other page may frame it."""


def local_only(handler: Handler) -> Handler:
    """The handler for this machine's own browsers; to everybody else there is no such route (404)."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if not _is_local(request):
            raise not_found()
        return await handler(request)

    return guarded


def _is_local(request: web.Request) -> bool:
    return _host(request) in LOCAL_NAMES and not any(name in request.headers for name in FORWARDING)


def _host(request: web.Request) -> str | None:
    """Without the port; None where the header names no host."""
    try:
        return urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        return None
