"""A proxy before persistence's internal port that answers some requests itself, with the status of a test's choice."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, web

from services.listening import listening

Rule = Callable[[str, bytes], int | None]
"""Path and body -> the status to refuse it with, or None to let it through."""


@dataclass
class Refusing:
    """`refused` are the paths of what it did not let through."""

    url: str = ""
    rule: Rule = field(default=lambda path, body: None)
    refused: list[str] = field(default_factory=list)


@asynccontextmanager
async def refusing(persistence_url: str) -> AsyncIterator[Refusing]:
    proxy = Refusing()
    async with ClientSession() as session:

        async def forward(request: web.Request) -> web.Response:
            body = await request.read()
            status = proxy.rule(request.path, body)
            if status is not None:
                proxy.refused.append(request.path)
                return web.Response(status=status)
            headers = {"Authorization": request.headers["Authorization"], "Content-Type": "application/json"}
            async with session.post(persistence_url.rstrip("/") + request.path, data=body, headers=headers) as answer:
                return web.Response(status=answer.status, body=await answer.read())

        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_post("/{rest:.*}", forward)
        async with listening(app, "127.0.0.1", 0) as port:
            proxy.url = f"http://127.0.0.1:{port}"
            yield proxy
