"""The demo page of `up`: two phones in a browser. It hands out tokens, so only `up` on loopback serves it, and only to
this machine's own browsers (demo_guard.py)."""

import asyncio
import mimetypes
from pathlib import Path

import msgspec
from aiohttp import web

from pusher.rendering import Notification
from services.demo_guard import POLICY, Handler, local_only
from services.demo_people import USERS, People
from shared.auth import mint
from shared.http.errors import unavailable
from shared.settings import Settings

BUILT = Path(__file__).parents[1] / "client" / "demo" / "dist"
TOKEN_SECONDS = 3600
KEEP_ALIVE_SECONDS = 15.0
MOST_WAITING = 200
"""Pushes that a page which does not read may leave behind; then its stream ends, and a living page opens it again."""
MOST_WATCHERS = 20

NOT_BUILT = """<!doctype html><html lang=en><meta charset=utf-8><title>Parley</title>
<style>body{font:16px/1.6 system-ui;max-width:40em;margin:4em auto;padding:0 1em}code{background:#8882}</style>
<h1>Parley is running</h1>
<p>The demo is not built: it needs Node 20 or newer. Install it, stop Parley, and start it again with
<code>make run</code>, or build it by hand: <code>cd client && npm ci && npm run build</code>.</p>
<p>Everything else is here: the <a href="/docs">REST reference</a>, and the README's first conversation.</p>
"""


class PushFeed:
    """What `up` would have told the demo users' phones, for every page that watches. Nobody else's texts are shown."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._watchers: set[asyncio.Queue[bytes | None]] = set()

    def show(self, notification: Notification) -> None:
        if notification.user_id not in self._people.ids:
            return
        payload = notification.payload
        shown = {"userId": notification.user_id, **{name: payload[name] for name in ("title", "body", "data")}}
        event = msgspec.json.encode(shown)
        for watcher in self._watchers:
            _tell(watcher, event)

    def close(self) -> None:
        """Ends the streams of all pages, so that nothing holds up the end of the server."""
        for watcher in self._watchers:
            _tell(watcher, None)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events, until the page or the server goes. Raises ApiError 503 past MOST_WATCHERS."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise unavailable("too many pages watch the demo's pushes")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        watcher: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self._watchers.add(watcher)
        try:
            while True:
                await response.write(await _next(watcher))
        except (ConnectionError, EOFError):
            return response
        finally:
            self._watchers.discard(watcher)


def _tell(watcher: "asyncio.Queue[bytes | None]", event: bytes | None) -> None:
    """The stream of a page that lags behind ends: what waits for the page is dropped, and the end is told."""
    if watcher.full():
        while not watcher.empty():
            watcher.get_nowait()
        event = None
    watcher.put_nowait(event)


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


def routes(settings: Settings, feed: PushFeed, people: People, built: Path = BUILT) -> dict[str, Handler]:
    """The page, its assets, its people's tokens and the pushes that they are told. Reads the built files once, now."""
    index = built / "index.html"
    text = index.read_text() if index.exists() else NOT_BUILT
    assets = {file.name: file.read_bytes() for file in (built / "assets").glob("*")}

    async def page(_: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def asset(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in assets:
            raise web.HTTPNotFound
        return web.Response(body=assets[name], content_type=mimetypes.guess_type(name)[0] or "application/octet-stream")

    async def config(_: web.Request) -> web.StreamResponse:
        users = [_user(settings, handle, user_id) for handle, user_id in USERS.items()]
        named = [{"id": user_id, "handle": handle} for handle, user_id in people]
        return web.json_response({"users": users, "people": named, "pushes": "/demo/pushes"})

    async def sign_in(request: web.Request) -> web.StreamResponse:
        return web.json_response(_user(settings, *people.admit(request.query.get("name", ""))))

    handlers: dict[str, Handler] = {
        "/": page,
        "/assets/{name}": asset,
        "/demo/config": config,
        "/demo/sign-in": sign_in,
        "/demo/pushes": feed.stream,
    }
    return {path: local_only(handler) for path, handler in handlers.items()}


def _user(settings: Settings, handle: str, user_id: str) -> dict[str, str]:
    token = mint(
        settings.jwt_secrets[0],
        user_id,
        handle,
        TOKEN_SECONDS,
        audience=settings.jwt_audience,
        role=settings.jwt_role,
        issuer=settings.jwt_issuer,
        handle_claim=settings.handle_claims[0],
    )
    return {"id": user_id, "handle": handle, "token": token}
