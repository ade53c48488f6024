"""An app's backend that listens for webhooks, and does to them what it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from services.listening import listening

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Got:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Backend:
    """`requests` are all that came, in order. `does` answers them."""

    url: str = ""
    requests: list[Got] = field(default_factory=list)
    does: Behaviour | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(Got(dict(request.headers), await request.read()))
        return web.Response(text="ok") if self.does is None else await self.does(request)

    def told(self) -> list[tuple[str, Any]]:
        """(id, payload) of every event, batches taken apart."""
        events: list[tuple[str, Any]] = []
        for one in self.requests:
            payload = one.json
            if payload["type"] == "batch":
                events += [(event.pop("id"), event) for event in payload["data"]["events"]]
            else:
                events.append((one.id, payload))
        return events

    def of(self, kind: str) -> list[Any]:
        return [payload["data"] for _, payload in self.told() if payload["type"] == kind]


@asynccontextmanager
async def backend(does: Behaviour | None = None) -> AsyncIterator[Backend]:
    made = Backend(does=does)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", made.handle)
    async with listening(app, "127.0.0.1", 0, grace_seconds=0.1) as port:
        made.url = f"http://127.0.0.1:{port}/hook"
        yield made


def answering(status: int, **headers: str) -> Behaviour:
    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text="no", headers=named)

    return answer


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    """Sends for as long as somebody reads."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
