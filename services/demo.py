"""The demo page of `up`: two phones in a browser. It hands out tokens, so only `up` on loopback serves it."""

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from aiohttp import web

from pusher.rendering import Notification
from shared.auth import mint
from shared.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BUILT = Path(__file__).parents[1] / "client" / "demo" / "dist"
TOKEN_SECONDS = 3600
USERS = {
    "ada": "ada00000-0000-4000-8000-000000000001",
    "bob": "b0b00000-0000-4000-8000-000000000002",
    "cleo": "c1e00000-0000-4000-8000-000000000003",
}
KEEP_ALIVE_SECONDS = 15.0

NOT_BUILT = """<!doctype html><html lang=en><meta charset=utf-8><title>Parley</title>
<style>body{font:16px/1.6 system-ui;max-width:40em;margin:4em auto;padding:0 1em}code{background:#8882}</style>
<h1>Parley is running</h1>
<p>The demo is not built: it needs Node 20 or newer. Install it, stop Parley, and start it again with
<code>make run</code>, or build it by hand: <code>cd client && npm ci && npm run build</code>.</p>
<p>Everything else is here: the <a href="/docs">REST reference</a>, and the README's first conversation.</p>
"""


class PushFeed:
    """What `up` would have told phones, for every page that watches."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Queue[bytes | None]] = set()

    def show(self, notification: Notification) -> None:
        payload = notification.payload
        shown = {"userId": notification.user_id, **{name: payload[name] for name in ("title", "body", "data")}}
        for watcher in self._watchers:
            watcher.put_nowait(msgspec.json.encode(shown))

    def close(self) -> None:
        """Ends the streams of all pages, so that nothing holds up the end of the server."""
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events, until the page or the server goes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        watcher: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._watchers.add(watcher)
        try:
            while True:
                await response.write(await _next(watcher))
        except (ConnectionError, EOFError):
            return response
        finally:
            self._watchers.discard(watcher)


async def _next(watcher: "asyncio.Queue[bytes | None]") -> bytes:
    """The next event, or a comment that keeps proxies awake. Raises EOFError when the feed is closed."""
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            event = await watcher.get()
    except TimeoutError:
        return b": still here\n\n"
    if event is None:
        raise EOFError
    return b"data: " + event + b"\n\n"


def routes(settings: Settings, feed: PushFeed, built: Path = BUILT) -> dict[str, Handler]:
    """The page, its assets, its users' tokens and the pushes that they are told. Reads the built files once, now."""
    index = built / "index.html"
    text = index.read_text() if index.exists() else NOT_BUILT
    assets = {file.name: file.read_bytes() for file in (built / "assets").glob("*")}

    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def asset(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in assets:
            raise web.HTTPNotFound
        return web.Response(body=assets[name], content_type=mimetypes.guess_type(name)[0] or "application/octet-stream")

    async def config(_: web.Request) -> web.StreamResponse:
        return web.json_response({"users": _users(settings), "pushes": "/demo/pushes"})

    return {"/": page, "/assets/{name}": asset, "/demo/config": config, "/demo/pushes": feed.stream}


def _users(settings: Settings) -> list[dict[str, str]]:
    return [
        {
            "id": user_id,
            "handle": handle,
            "token": mint(
                settings.jwt_secrets[0],
                user_id,
                handle,
                TOKEN_SECONDS,
                audience=settings.jwt_audience,
                role=settings.jwt_role,
                issuer=settings.jwt_issuer,
                handle_claim=settings.handle_claims[0],
            ),
        }
        for handle, user_id in USERS.items()
    ]
