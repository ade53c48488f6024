"""One timer that pings every connection of a gateway, and closes those that fell silent."""

import asyncio
from collections.abc import Callable, Collection, Iterable

from gateway.websocket.codes import CloseCode
from gateway.websocket.connection import Connection

_LONGEST_TICK = 0.1
_LONGEST_WAIT_FOR_A_PONG = 10.0


class Heartbeat:
    """Pings each connection every `seconds`; one of which nothing is heard after a ping is closed with 4408.

    "After a ping" is the lesser of `seconds` and 10 s: a client that died is noticed within two heartbeats, usually
    sooner. Connections are spread over many ticks, so that no tick pings them all; `on_beat` gets those of each tick,
    and so meets every connection once in `seconds`. Whoever makes it also starts and stops it.
    """

    def __init__(
        self,
        seconds: float,
        on_beat: Callable[[Collection[Connection]], None] | None = None,
        on_silent: Callable[[Connection], None] | None = None,
    ) -> None:
        # Hears at once of each that is closed with 4408: its socket may take a while to end.
        self._on_silent = on_silent
        ticks = max(4, round(seconds / _LONGEST_TICK))
        self._tick = seconds / ticks
        self._patience = max(1, round(min(seconds, _LONGEST_WAIT_FOR_A_PONG) / self._tick))
        # As dicts, not sets: a third of the memory.
        self._buckets: list[dict[Connection, None]] = [{} for _ in range(ticks)]
        self._now = 0  # the bucket that is pinged next
        self._next = 0  # the bucket that takes the next newcomer
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._on_beat = on_beat

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._wait(loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, connection: Connection) -> None:
        """Watches it from now on."""
        connection.bucket = self._buckets[self._next]
        connection.bucket[connection] = None
        self._next = (self._next + 1) % len(self._buckets)

    def discard(self, connection: Connection) -> None:
        """Watches it no longer; no harm if it was not watched."""
        if connection.bucket is not None:
            connection.bucket.pop(connection, None)
            connection.bucket = None

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._due > self._tick * self._patience / 2:
            self._forgive()
        self._judge(self._buckets[(self._now - self._patience) % len(self._buckets)])
        self._ping(self._buckets[self._now])
        if self._on_beat is not None:
            self._on_beat(self._buckets[self._now])
        self._now = (self._now + 1) % len(self._buckets)
        self._wait(loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + self._tick
        self._timer = loop.call_at(self._due, self._beat)

    def _forgive(self) -> None:
        """This process slept (a stopped container, a suspended machine): the answers may still be on their way."""
        for bucket in self._buckets:
            for connection in bucket:
                connection.heard = True

    def _judge(self, bucket: Iterable[Connection]) -> None:
        for connection in bucket:
            if not connection.heard:
                connection.close(CloseCode.NO_PONG, "no pong")
                if self._on_silent is not None:
                    self._on_silent(connection)

    def _ping(self, bucket: Iterable[Connection]) -> None:
        for connection in bucket:
            connection.heard = False
            connection.ask()
