"""A bus with its task, a publisher beside it, and a record of everything that it said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from gateway.bus import Bus, make_bus
from shared.redis import RedisClient, open_redis

PROBE_SECONDS = 0.2


class Listening:
    """What a bus told, in order."""

    def __init__(self, publisher: RedisClient) -> None:
        self.publisher = publisher
        self.messages: list[tuple[bytes, bytes]] = []
        self.remember: Callable[[tuple[bytes, bytes]], None] = self.messages.append
        self.lost = 0
        self.restored: list[list[bytes]] = []
        self.bus: Bus

    async def publish_probe(self, channel: bytes, payload: bytes) -> object:
        return await self.publisher.spublish(channel, payload)

    def on_message(self, channel: bytes, payload: bytes) -> None:
        self.remember((channel, payload))

    def on_lost(self) -> None:
        self.lost += 1

    def on_restored(self, channels: Sequence[bytes]) -> None:
        self.restored.append(sorted(channels))

    async def publish(self, channel: str, payload: str) -> None:
        await self.publisher.spublish(channel, payload)

    def heard(self, channel: str, payload: str) -> bool:
        return (channel.encode(), payload.encode()) in self.messages

    def hears(self, channel: str, payload: str) -> Callable[[], bool]:
        return lambda: self.heard(channel, payload)


@asynccontextmanager
async def listening(
    url: str,
    *,
    publish_url: str | None = None,
    probe_seconds: float = PROBE_SECONDS,
    name: str = "test",
    prefix: str = "",
) -> AsyncIterator[Listening]:
    """Runs a bus, which must not end by itself. `publish_url` is another way to the same Redis."""
    publisher = open_redis(publish_url or url)
    heard = Listening(publisher)
    heard.bus = make_bus(
        url,
        name=name,
        prefix=prefix,
        probe_channel=f"probe:{name}",
        publish_probe=heard.publish_probe,
        on_message=heard.on_message,
        on_lost=heard.on_lost,
        on_restored=heard.on_restored,
        probe_seconds=probe_seconds,
    )
    task = asyncio.create_task(heard.bus.run(), name="bus")
    try:
        yield heard
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await publisher.aclose()


def through(url: str, port: int) -> str:
    """The same Redis by way of a proxy on this port."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))
