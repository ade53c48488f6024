"""Thousands of lean phones in a process of their own, which hold a socket each and come back as an app does.

`python -m tests.system.rollout.herd` reads one line of JSON, `{"targets": [[host, port], …], "tokens": […]}`; every
further line drops all sockets at once. Twice a second it prints `{"connected", "refused", "arrivals"}`.
"""

import asyncio
import json
import random
import sys
from typing import cast

import uvloop

REQUEST = (
    "GET /messages/subscribe?acks=1 HTTP/1.1\r\nHost: herd\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {token}\r\n\r\n"
)
SPREAD_SECONDS = 5.0
"""`reconnectJitterMs`: over how long clients spread the first reconnect after a cut."""
FLOOR_SECONDS, BASE_SECONDS, CAP_SECONDS = 0.25, 1.0, 30.0
"""The backoff of our own client (client/src/backoff.ts)."""
ATTEMPT_SECONDS = 15.0
PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"
REPORT_SECONDS = 0.5


class Herd:
    """What all of them did so far; `arrivals` are those since the last report."""

    def __init__(self, targets: list[tuple[str, int]]) -> None:
        self.targets = targets
        self.connected = 0
        self.refused = 0
        self.arrivals = 0
        self.sockets: set[asyncio.Transport] = set()

    def drop(self) -> None:
        for transport in list(self.sockets):
            transport.abort()

    def report(self) -> str:
        told = {"connected": self.connected, "refused": self.refused, "arrivals": self.arrivals}
        self.arrivals = 0
        return json.dumps(told)


class Socket(asyncio.Protocol):
    def __init__(self, herd: Herd, token: str) -> None:
        self._herd = herd
        self._token = token
        self._head: bytes | None = b""
        self.inside = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(REQUEST.format(token=self._token).encode())
        self._give_up = asyncio.get_running_loop().call_later(ATTEMPT_SECONDS, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            if PING in data:
                self._transport.write(PONG)
            return
        self._head += data
        if b'"type":"connected"' in self._head:
            self._enter()
        elif not b"HTTP/1.1 101".startswith(self._head[:12]):
            self._herd.refused += 1
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up.cancel()
        self._herd.connected -= self.inside
        self._herd.sockets.discard(self._transport)
        self.ended.set_result(None)

    def _enter(self) -> None:
        self._head, self.inside = None, True
        self._give_up.cancel()
        self._herd.connected += 1
        self._herd.arrivals += 1
        self._herd.sockets.add(self._transport)


async def phone(herd: Herd, token: str, place: int) -> None:
    """For ever. `place` chooses the gateway of each attempt, in turn, as a load balancer does."""
    loop, failures = asyncio.get_running_loop(), 0
    while True:
        host, port = herd.targets[(place + failures) % len(herd.targets)]
        try:
            _, socket = await loop.create_connection(lambda: Socket(herd, token), host, port)
            await socket.ended
            was_inside = socket.inside
        except OSError:
            was_inside = False
        failures = 0 if was_inside else failures + 1
        ceiling = SPREAD_SECONDS if was_inside else min(CAP_SECONDS, BASE_SECONDS * 2**failures)
        await asyncio.sleep(random.uniform(FLOOR_SECONDS, ceiling))


async def main() -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    told = json.loads(await commands.readline())
    herd = Herd([tuple(target) for target in told["targets"]])
    async with asyncio.TaskGroup() as group:
        for place, token in enumerate(told["tokens"]):
            group.create_task(phone(herd, token, place), name="phone")
        group.create_task(_report(herd), name="report")
        while await commands.readline():
            herd.drop()
        raise SystemExit  # its starter has gone


async def _report(herd: Herd) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        print(herd.report(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
