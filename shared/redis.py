"""redis-py, opened the one way that Parley uses it: for everything but a gateway's subscriptions.

redis-py 8 by default retries ten times and sends an abandoned blocking read again (an entry is then taken twice, an
outage lasts a minute). So here: RESP2, no retry, short deadlines; who calls decides what a failure means.
"""

from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisClusterException, RedisError

from shared.redis_url import DEFAULT_PORT, is_cluster, seeds

REDIS_FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError, RuntimeError)
"""What a call may raise while Redis is away. The caller falls back, or tries again later.

RedisClusterException, of a cluster whose nodes are away, is no RedisError. RuntimeError is how uvloop refuses a write
on a pooled connection that Redis has closed; redis-py lets it through.
"""

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 2.0


class _Prefixed:
    """What a client knows of the deployment that it works for."""

    prefix: str = ""

    def named(self, name: str) -> str:
        """A name of shared/keys.py as it stands in Redis: no key and no channel is handed over without this.

        A prefix holds no brace (`setting_forms.redis_prefix`), so the hash tag, and what shares a node, stays as it is.
        """
        return self.prefix + name


class SingleRedis(_Prefixed, Redis):  # type: ignore[misc]  # redis-py's own bases disagree
    """One server."""


class ClusterRedis(_Prefixed, RedisCluster):  # type: ignore[misc]
    """A Redis Cluster, by way of any of its nodes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        kind = _EncryptedNode if options["ssl"] else _Node
        self.connection_kwargs["connection_class"] = kind  # of nodes to be found
        for seed in self.startup_nodes:
            seed.connection_class = kind

    async def _determine_slot(self, command: str, *arguments: Any) -> int:
        """Where the key of an XREADGROUP stands is known. redis-py asks a server for it each time, always the same one
        until something else fails: when that one is dead, the reader of a stream fails for ever."""
        if command == "XREADGROUP":
            return self.keyslot(arguments[arguments.index(b"STREAMS") + 1])
        return await super()._determine_slot(command, *arguments)

    async def initialize(self, *arguments: Any, **options: Any) -> Any:
        """redis-py forgets the seeds for the nodes that it found. Where all of those changed their addresses, as pods
        do, only the seeds still lead to the cluster."""
        for seed in self.startup_nodes:
            self.nodes_manager.startup_nodes.setdefault(seed.name, seed)
        return await super().initialize(*arguments, **options)


RedisClient = SingleRedis | ClusterRedis


def open_redis(
    url: str, *, prefix: str = "", answer_seconds: float | None = ANSWER_SECONDS, max_connections: int = 64
) -> RedisClient:
    """A client over a pool; nothing is connected yet. Close it with `aclose()`.

    `prefix` is the deployment's. `answer_seconds` bounds the wait for one answer; who blocks on a stream passes None,
    or more than its block.
    """
    limits = {
        "protocol": 2,
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "max_connections": max_connections,
    }
    client = _open_cluster(url, limits) if is_cluster(url) else _open_single(url, limits)
    client.prefix = prefix
    return client


def _open_single(url: str, limits: dict[str, Any]) -> SingleRedis:
    options = {**limits, **parse_url(url)}
    encrypted = options.pop("connection_class", None) is SSLConnection
    kind = _EncryptedPrimary if encrypted else _Primary
    pool = ConnectionPool(connection_class=kind, retry=Retry(NoBackoff(), 0), **options)
    return cast(SingleRedis, SingleRedis.from_pool(pool))


def _open_cluster(url: str, limits: dict[str, Any]) -> ClusterRedis:
    nodes = seeds(url)
    options = {**limits, **parse_url(nodes[0])}
    options["ssl"] = options.pop("connection_class", None) is SSLConnection
    options.pop("host", None)
    options.pop("port", None)
    return ClusterRedis(
        startup_nodes=[_node(node) for node in nodes],
        require_full_coverage=False,  # one shard that is away must not silence the others
        **options,
    )


def _node(url: str) -> ClusterNode:
    parts = urlsplit(url)
    return ClusterNode(parts.hostname or "localhost", parts.port or DEFAULT_PORT)


class _ClosedByAnother:
    """Says ConnectionError where redis-py says AttributeError.

    In a cluster whoever meets a failure closes every connection to that node, also those that another task is about to
    use; that one then writes to, or reads from, nothing.
    """

    async def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        try:
            await super().send_packed_command(*arguments, **options)  # type: ignore[misc]
        except AttributeError as error:
            raise RedisConnectionError("closed while it was being used") from error

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*arguments, **options)  # type: ignore[misc]
        except AttributeError as error:
            raise RedisConnectionError("closed while it was being used") from error


class _Node(_ClosedByAnother, Connection):
    pass


class _EncryptedNode(_ClosedByAnother, SSLConnection):
    pass


class _WritesToPrimary:
    """Gives up a connection to a Redis that became a replica: the next one goes to who is the primary by then.

    A failover that leaves old connections open would else have them refuse every write for ever.
    """

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*arguments, **options)  # type: ignore[misc]
        except ReadOnlyError as error:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise ConnectionResetError("this Redis is a replica now") from error


class _Primary(_WritesToPrimary, Connection):
    pass


class _EncryptedPrimary(_WritesToPrimary, SSLConnection):
    pass
