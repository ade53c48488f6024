"""How long the loop of a gateway, or of a persistence process, is held by somebody in 20,000 conversations.

`python -m tests.bench.stalls` starts a Postgres and a Redis of its own, and prints for each step the longest turns of
the loop, in CPU seconds of its thread: a busy machine changes them little. The phones are a thread of their own, with a
loop of their own.
"""

import asyncio
import threading
import time
from asyncio.events import Handle
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import orjson

from gateway.endpoints import SUBSCRIBE
from persistence.database.migrate import migrate
from services.processes import settle_heap
from shared.auth import mint
from tests.integration.gateway.world import OwnSite, World, world
from tests.integration.rest.conftest import SECRET
from tests.support.many import name_in
from tests.support.servers import new_postgres, new_redis

MANY = 20_000
SHOWN = 3


@contextmanager
def turns() -> Iterator[list[tuple[float, str]]]:
    """The CPU seconds of each turn of this thread's loop, and what ran."""
    taken: list[tuple[float, str]] = []
    thread, run = threading.get_ident(), Handle._run

    def timed(self: Handle) -> None:
        if threading.get_ident() != thread:
            run(self)
            return
        name, began = repr(self), time.thread_time()
        run(self)
        taken.append((time.thread_time() - began, name))

    Handle._run = timed  # type: ignore[method-assign]
    try:
        yield taken
    finally:
        Handle._run = run  # type: ignore[method-assign]


class Phones:
    """Clients in a thread of their own."""

    def __init__(self, site: OwnSite, parley: World, user: str) -> None:
        self._socket = f"{site.url}{SUBSCRIBE}?acks=1"
        self._rest = parley.rest.url
        self._headers = {"Authorization": f"Bearer {mint(SECRET, user, 'ann')}", "Content-Type": "application/json"}
        self._loop = asyncio.new_event_loop()
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self.heads: dict[str, int] = {}
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def call(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(awaited(), self._loop))

    async def connect(self) -> None:
        http = aiohttp.ClientSession(headers=self._headers)
        socket = await http.ws_connect(self._socket)
        self._sockets.append(socket)
        last = False
        while not last:
            frame = orjson.loads((await socket.receive()).data)
            self.heads |= frame.get("heads", {})
            last = frame.get("last", False)
        await socket.send_str('{"type":"ping","ref":"settled"}')
        while orjson.loads((await socket.receive()).data).get("ref") != "settled":
            pass

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with aiohttp.ClientSession(headers=self._headers) as http:
            data = None if body is None else orjson.dumps(body)
            async with http.request(method, self._rest + path, data=data) as response:
                assert response.status == 200, await response.text()
                return orjson.loads(await response.read())

    async def sync(self, known: dict[str, int], as_of: str | None = None) -> str:
        body: dict[str, Any] = {"conversations": known} | ({"asOf": as_of} if as_of else {})
        answer = await self.ask("POST", "/api/sync", body)
        begun = str(answer["asOf"])
        while answer["next"]:
            answer = await self.ask("POST", "/api/sync", body | {"after": answer["next"]})
        return begun

    async def close_one(self) -> None:
        await self._sockets.pop().close()


async def step(name: str, work: Awaitable[Any]) -> Any:
    began = time.monotonic()
    with turns() as taken:
        result = await work
        await asyncio.sleep(0.5)  # what it left to do
    taken.sort(reverse=True)
    print(f"{name}: {time.monotonic() - began - 0.5:.2f} s, {len(taken)} turns; the longest")
    for seconds, what in taken[:SHOWN]:
        print(f"    {seconds * 1000:6.1f} ms  {what[:150]}")
    return result


async def measure(database_url: str, redis_url: str) -> None:
    async with world(database_url, redis_url) as parley:
        site = await parley.gateway()
        ann, ben = parley.person("ann"), parley.person("ben")
        for one in (ann, ben):
            await one.get("/api/conversations")
        ids = await name_in(parley.rest.parts.pool, ann.id, ben.id, MANY)
        settle_heap()  # as a process of the service does
        await parley.rest.parts.pool.execute("ANALYZE")
        phones = Phones(site, parley, ann.id)
        await step("connect", phones.call(phones.connect()))
        assert len(phones.heads) == MANY
        await step("second device", phones.call(phones.connect()))
        await step("a page of the list", phones.call(phones.ask("GET", "/api/conversations?limit=100")))
        as_of = await step("sync of a new device", phones.call(phones.sync({})))
        await step("sync of one that has all", phones.call(phones.sync(dict.fromkeys(ids, 0), as_of)))
        await step("named in one more", ben.start(ann, isGroup=True))
        await step("a device leaves", phones.call(phones.close_one()))
        await step("drain", site.gateway.drain())


async def main() -> None:
    with TemporaryDirectory() as directory:
        postgres, redis = new_postgres(Path(directory) / "postgres"), new_redis(Path(directory) / "redis")
        await postgres.start()
        await redis.start()
        try:
            await migrate(postgres.url)
            await measure(postgres.url, redis.url)
        finally:
            await redis.stop()
            await postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
