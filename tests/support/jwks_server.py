"""An issuer's key set on a real socket, which can be slow, broken or gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class JwksServer:
    """Counts its requests; what it does next is in `status`, `body`, `open` and `resets`."""

    def __init__(self) -> None:
        self.requests = 0
        self.status = 200
        self.body: bytes | dict[str, Any] = {"keys": []}
        self.open = asyncio.Event()
        self.open.set()
        self.resets = False
        self.url = ""

    def publish(self, *keys: object) -> None:
        self.status, self.body = 200, {"keys": list(keys)}

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.resets and request.transport is not None:
            request.transport.abort()
        await self.open.wait()
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return web.Response(status=self.status, body=body)


@asynccontextmanager
async def jwks_server() -> AsyncIterator[JwksServer]:
    issuer = JwksServer()
    app = web.Application()
    app.router.add_get("/.well-known/jwks.json", issuer.answer)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("/.well-known/jwks.json"))
        yield issuer
