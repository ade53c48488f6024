"""Gateways and a persistence process in one loop, wired as their composition roots do it, and phones that connect."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from prometheus_client import CollectorRegistry

from gateway.endpoints import SUBSCRIBE, endpoints
from gateway.gateway import Gateway
from services.listening import listening
from shared.auth import TokenVerifier
from shared.http.app import internal_app, public_app
from shared.http.origins import Origins
from shared.lifecycle import Stop
from shared.redis import open_redis
from shared.settings import Settings
from tests.integration.rest.conftest import SECRET, SERVICE_TOKEN, Person, Rest, serving
from tests.support.fleet import Fleet
from tests.support.waiting import eventually

PATIENCE = 5.0


class Closed(Exception):
    """The server closed the socket."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Phone:
    """A client on one socket. `frames` are all it got; nothing is read unless somebody waits for it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []

    async def next(self, *types: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next frame of one of these types (any, without); those before it are kept in `frames`. Raises Closed."""
        async with asyncio.timeout(seconds):
            while True:
                frame = await self._receive()
                if not types or frame["type"] in types:
                    return frame

    async def next_where(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while not is_it(frame := await self._receive()):
                pass
            return frame

    async def messages(self, count: int) -> list[int]:
        """The seqs of the next `count` messages."""
        return [(await self.next("message.new"))["seq"] for _ in range(count)]

    async def closed(self, seconds: float = PATIENCE) -> int | None:
        """Reads to the end; the close code."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._receive()
        except Closed as closed:
            return closed.code

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send_str(orjson.dumps({"type": kind, **fields}).decode())

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Says it with a ref; gives the answer."""
        await self.say(kind, **{"ref": "a ref", **fields})
        return await self.next_where(lambda frame: frame.get("ref") == fields.get("ref", "a ref"))

    async def silence(self) -> list[dict[str, Any]]:
        """Whatever comes until the gateway has answered a ping: what it had to say before, it has said."""
        count = len(self.frames)
        await self.ask("ping", ref="the end")
        return self.frames[count:-1]

    def stop_reading(self) -> None:
        """As a phone that sleeps with its socket open."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()

    async def leave(self) -> None:
        await self.socket.close()

    async def _receive(self) -> dict[str, Any]:
        message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise Closed(self.socket.close_code)
        frame: dict[str, Any] = orjson.loads(message.data)
        self.frames.append(frame)
        return frame


class LivePhone(Phone):
    """A phone that reads all the time, and so answers pings, as one does that is there. `close_code`: once it ended."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__(socket)
        self.close_code: int | None = None
        self._reading = asyncio.create_task(self._read())

    @property
    def reads(self) -> bool:
        return not self._reading.done()

    def seqs(self) -> list[int]:
        """Of the messages that came."""
        return [frame["seq"] for frame in self.frames if frame["type"] == "message.new"]

    async def lose_the_network(self) -> None:
        """Reads nothing more, and so answers no ping; its socket stays open."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        try:
            while True:
                await self._receive()
        except Closed as closed:
            self.close_code = closed.code


@dataclass
class Site:
    """Where a gateway listens."""

    url: str
    internal_url: str
    http: aiohttp.ClientSession
    phones: list[Phone] = field(default_factory=list)

    async def dial(self, token: str | None, *, acks: bool = True, **query: str) -> Phone:
        """A socket, and nothing read from it yet."""
        given = {**({"token": token} if token is not None else {}), **({"acks": "1"} if acks else {}), **query}
        phone = Phone(await self.http.ws_connect(f"{self.url}{SUBSCRIBE}?{urlencode(given)}"))
        self.phones.append(phone)  # one that is forgotten would be closed
        return phone

    async def live(
        self, token: str, *, acks: bool = False, headers: dict[str, str] | None = None, **query: str
    ) -> LivePhone:
        """A phone that was told `connected`, or was refused."""
        given = {"token": token, **({"acks": "1"} if acks else {}), **query}
        phone = LivePhone(await self.http.ws_connect(f"{self.url}{SUBSCRIBE}?{urlencode(given)}", headers=headers))
        self.phones.append(phone)
        await eventually(lambda: bool(phone.frames))
        return phone

    async def connect(self, person: Person, *, acks: bool = True) -> Phone:
        """A phone that was told `connected`."""
        phone = await self.dial(person.token, acks=acks)
        await phone.next("connected")
        return phone


@dataclass
class OwnSite(Site):
    """One in the test's own process."""

    gateway: Gateway = field(kw_only=True)
    registry: CollectorRegistry = field(kw_only=True)


@dataclass
class World:
    rest: Rest
    redis_url: str
    persistence_url: str
    stack: AsyncExitStack

    async def gateway(self, **settings: Any) -> OwnSite:
        """One more gateway; it ends with the world."""
        return await self.stack.enter_async_context(gateway_site(self._settings(**settings)))

    @asynccontextmanager
    async def doomed_gateway(self, directory: Path, **environment: str) -> AsyncIterator[Site]:
        """A gateway in a process of its own, killed when the context is left."""
        process = Fleet(directory, {**self._environment(), **environment}, SECRET).add("gateway")
        await process.start()
        async with aiohttp.ClientSession() as http:
            yield Site(process.url, process.internal_url, http)
            await process.kill()

    def _environment(self) -> dict[str, str]:
        return {
            "REDIS_URL": self.redis_url,
            "PERSISTENCE_URL": self.persistence_url,
            "SERVICE_TOKEN": SERVICE_TOKEN,
            "JWT_SECRET": SECRET,
            "LEASE_SECONDS": "1",
        }

    def person(self, handle: str = "ann") -> Person:
        return self.rest.person(handle)

    def _settings(self, **changes: Any) -> Settings:
        base = Settings(
            redis_url=self.redis_url,
            persistence_url=self.persistence_url,
            service_token=SERVICE_TOKEN,
            presence_grace_seconds=0.5,
            lease_seconds=1.0,
            drain_seconds=0.0,
        )
        return replace(base, **changes)


@asynccontextmanager
async def gateway_site(settings: Settings) -> AsyncIterator[OwnSite]:
    redis = open_redis(settings.redis_url or "")
    stop = Stop()
    verifier = TokenVerifier(secrets=[SECRET])
    registry = CollectorRegistry()  # the process' own has room for one gateway
    gateway = Gateway(settings, redis=redis, verifier=verifier, stop=stop, registry=registry)
    app = public_app(
        "gateway",
        endpoints(gateway, with_health=True),
        _OpenGate(),
        origins=Origins(()),
        raw={SUBSCRIBE: gateway.acceptor.subscribe},
    )
    internal = internal_app("gateway", [], token=SERVICE_TOKEN, ready=gateway.ready)
    try:
        async with (
            listening(internal, "127.0.0.1", 0) as internal_port,
            gateway,
            listening(app, "127.0.0.1", 0) as port,
            aiohttp.ClientSession() as http,
        ):
            urls = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal_port}"
            yield OwnSite(*urls, http, gateway=gateway, registry=registry)
        assert stop.failure is None, stop.failure
    finally:
        await redis.aclose()


class _OpenGate:
    """Both routes of a gateway alone are public."""

    async def admit(self, request: object, endpoint: object) -> None:
        return None

    async def charge(self, user: object, tokens: float) -> None: ...


@asynccontextmanager
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with serving(database_url, redis_url) as rest, AsyncExitStack() as stack:
        yield World(rest, redis_url, str(rest.internal._base_url), stack)
