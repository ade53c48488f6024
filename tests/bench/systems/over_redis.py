"""Systems that take their events from a Redis of this run: the limit, plain aiohttp, Socket.IO."""

import json
import os
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import orjson

from gateway.bus.link import encode
from gateway.websocket.frames import Opcode
from services.embedded.ports import free_port
from tests.bench.load.marks import split
from tests.bench.load.publishing import Publishing, payload, to_redis
from tests.bench.systems.processes import PYTHON, ROOT, server
from tests.bench.systems.system import System, client_frame, upgrade
from tests.support.servers import new_redis

NODE = ROOT / "tests" / "bench" / "servers"


class OverRedis(System):
    """A server that is given a port and a Redis. What differs stands in the methods below."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def publishing_of(self, password: str) -> Publishing:
        raise NotImplementedError

    async def start(self, stack: AsyncExitStack) -> None:
        self.redis = await stack.enter_async_context(new_redis(self.directory))
        self.redis_pids = [self.redis.pid]
        self.port = free_port()
        log = self.directory / f"{self.name}.log"
        pid = await stack.enter_async_context(server(self.command(), self.port, log, self.environment()))
        self.server_pids = [pid]
        self.publishing = self.publishing_of(self.redis.password)

    def port_of(self, connection: int) -> int:
        return self.port

    def request(self, connection: int) -> bytes:
        channels = ",".join(f"room:{room}" for room in self.rooms_of[connection])
        return upgrade("/" + channels, self.port)

    def greet(self, connection: int, frames: bytes) -> tuple[bytes, bool]:
        return b"", b"joined" in frames

    def _plain(self, password: str, command: str) -> Publishing:
        rooms = range(self.seats.rooms)
        payloads = [payload(room, self.payload_size) for room in rooms]
        return to_redis(self.redis.port, password, command, [f"room:{room}" for room in rooms], payloads)


class Limit(OverRedis):
    name = "limit"

    def command(self) -> list[str]:
        where = [str(self.port), str(self.redis.port), self.redis.password]
        return [PYTHON, "-m", "tests.bench.servers.limit", *where]

    def publishing_of(self, password: str) -> Publishing:
        return self._plain(password, "SPUBLISH")


class PlainAiohttp(OverRedis):
    name = "aiohttp"

    def command(self) -> list[str]:
        return [PYTHON, "-m", "tests.bench.servers.plain_aiohttp", str(self.port), self.redis.url]

    def publishing_of(self, password: str) -> Publishing:
        return self._plain(password, "PUBLISH")


class SocketIo(OverRedis):
    name = "socket.io"

    @classmethod
    def missing(cls) -> str | None:
        if shutil.which("node") is None:
            return "node is not installed"
        return None if (_modules() / "socket.io").exists() else "npm install in tests/bench/servers, or set BENCH_NODE"

    def command(self) -> list[str]:
        node = shutil.which("node") or "node"
        script = self.directory / "socketio.mjs"  # beside a link to its packages: node looks for them there
        shutil.copy(NODE / "socketio.mjs", script)
        (self.directory / "node_modules").symlink_to(_modules())
        return [node, str(script), str(self.port), self.redis.url]

    def environment(self) -> dict[str, str]:
        return {"NODE_ENV": "production"}

    def request(self, connection: int) -> bytes:
        rooms = ",".join(f"room:{room}" for room in self.rooms_of[connection])
        return upgrade(f"/socket.io/?EIO=4&transport=websocket&rooms={rooms}", self.port)

    def greet(self, connection: int, frames: bytes) -> tuple[bytes, bool]:
        """Engine.IO opens with 0{…}; 40 connects to the main namespace, and its answer comes after the joins."""
        if b"40{" in frames:
            return b"", True
        return (client_frame(Opcode.TEXT, b"40"), False) if b"0{" in frames else (b"", False)

    def publishing_of(self, password: str) -> Publishing:
        """What @socket.io/redis-emitter publishes."""
        parts = [split(self._emitted(room)) for room in range(self.seats.rooms)]
        return Publishing(self.redis.port, encode(b"AUTH", password.encode()), parts)

    def _emitted(self, room: int) -> bytes:
        packet = {"type": 2, "data": ["message", orjson.loads(payload(room, self.payload_size))], "nsp": "/"}
        options = {"rooms": [f"room:{room}"], "flags": {}, "except": []}
        body = msgspec.msgpack.encode(["emitter", packet, options])
        return encode(b"PUBLISH", b"socket.io#/#room:%d#" % room, body)


def _modules() -> Path:
    return Path(os.environ.get("BENCH_NODE", NODE)) / "node_modules"


def package_versions() -> dict[str, str]:
    """Of what was measured, for the report."""
    found = {}
    for name in ("socket.io", "@socket.io/redis-adapter"):
        manifest = _modules() / name / "package.json"
        if manifest.exists():
            found[name] = str(json.loads(manifest.read_text())["version"])
    return found
