"""A scanner of the deployment's own: what it did not judge waits, what it condemns is rejected."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from services.listening import listening
from tests.integration.media.conftest import filing, two

Scan = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def scanning(scan: Scan) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/scan", scan)
    async with listening(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/scan"


async def test_a_file_waits_while_the_scanner_gives_no_verdict_and_is_ready_after_it(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    seen: list[bytes] = []

    async def scan(request: web.Request) -> web.StreamResponse:
        seen.append(await request.read())
        return web.Response(status=503) if len(seen) == 1 else web.json_response({"clean": True})

    async with scanning(scan) as url, filing(database_url, redis_url, tmp_path / "media", scan_url=url) as files:
        ann, _, room = await two(files)
        state = await files.upload(ann, room, b"a document", kind="file")

    assert (state["state"], seen) == ("ready", [b"a document"] * 2)


async def test_what_the_scanner_condemns_is_rejected_and_never_given_out(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async def scan(_: web.Request) -> web.StreamResponse:
        return web.json_response({"clean": False})

    async with scanning(scan) as url, filing(database_url, redis_url, tmp_path / "media", scan_url=url) as files:
        ann, _, room = await two(files)
        state = await files.upload(ann, room, b"a document", kind="file")
        assert (state["state"], state["reason"]) == ("rejected", "scan")
        assert (await files.get(ann, state["id"])).status == 404
