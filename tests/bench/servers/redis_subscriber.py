"""The cheapest way from Redis to Python: hiredis' reader on a bare protocol."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import cast

import hiredis

from gateway.bus.link import encode


class Subscriber(asyncio.Protocol):
    """SSUBSCRIBE; `on_message(channel, payload)` for each message."""

    def __init__(self, on_message: Callable[[bytes, bytes], None]) -> None:
        self._on_message = on_message
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport
        self._live: set[bytes] = set()
        self._waiting: dict[bytes, list[Callable[[], None]]] = defaultdict(list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            if type(reply) is not list:  # the answer to AUTH
                continue
            kind, channel, payload = reply
            if kind == b"smessage":
                self._on_message(channel, payload)
            elif kind == b"ssubscribe":
                self._live.add(channel)
                for then in self._waiting.pop(channel):
                    then()

    def subscribe(self, channel: bytes, then: Callable[[], None]) -> None:
        """Once per channel; `then` is called when Redis has confirmed it."""
        if channel in self._live:
            then()
            return
        if channel not in self._waiting:
            self._transport.write(encode(b"SSUBSCRIBE", channel))
        self._waiting[channel].append(then)

    @classmethod
    async def connect(cls, port: int, password: str, on_message: Callable[[bytes, bytes], None]) -> "Subscriber":
        transport, subscriber = await asyncio.get_running_loop().create_connection(
            lambda: cls(on_message), "127.0.0.1", port
        )
        transport.write(encode(b"AUTH", password.encode()))
        return subscriber
