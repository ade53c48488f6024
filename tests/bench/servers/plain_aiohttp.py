"""What one writes first: an aiohttp WebSocketResponse, redis.asyncio, and `await send_str` for each member.

On uvloop, without compression. python -m tests.bench.servers.plain_aiohttp PORT REDIS_URL
"""

import asyncio
import contextlib
import sys
from collections import defaultdict

import uvloop
from aiohttp import web
from redis.asyncio import Redis


class Rooms:
    def __init__(self, redis: Redis) -> None:
        self._pubsub = redis.pubsub()
        self._members: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        channels = request.match_info["channels"].split(",")
        for channel in channels:
            if channel not in self._members:
                await self._pubsub.subscribe(channel)
            self._members[channel].add(socket)
        try:
            await socket.send_str('{"type":"joined"}')
            async for _ in socket:
                pass
        finally:
            for channel in channels:
                self._members[channel].discard(socket)
        return socket

    async def run(self) -> None:
        await self._pubsub.subscribe("keepalive")
        while True:
            message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=None)
            if message is None:
                continue
            for member in list(self._members.get(message["channel"], ())):
                with contextlib.suppress(ConnectionError):
                    await member.send_str(message["data"])


async def main(port: int, redis_url: str) -> None:
    rooms = Rooms(Redis.from_url(redis_url, decode_responses=True, protocol=2))
    app = web.Application()
    app.router.add_get("/{channels}", rooms.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await rooms.run()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), sys.argv[2]))
