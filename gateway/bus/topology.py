"""Which primary of a Redis Cluster serves which slots, as one of its nodes sees it."""

from typing import NamedTuple

from gateway.bus.address import RedisAddress
from shared.redis import open_redis


class SlotRange(NamedTuple):
    first: int
    last: int
    primary: RedisAddress


async def read_topology(node: RedisAddress) -> list[SlotRange]:
    """Asks this node (CLUSTER SLOTS, which names the TLS port to who comes over TLS). Slots that nobody serves are
    left out. Raises one of REDIS_FAILURES."""
    client = open_redis(node.url, max_connections=1)
    try:
        rows = await client.execute_command("CLUSTER", "SLOTS")
    finally:
        await client.aclose()
    return sorted(_slot_range(node, *row[:3]) for row in rows)


def _slot_range(node: RedisAddress, first: int, last: int, primary: list[bytes | int | None]) -> SlotRange:
    """A primary without a host is where the question was asked
    (https://redis.io/docs/latest/commands/cluster-slots/)."""
    host, port = primary[0], primary[1]
    name = host.decode() if isinstance(host, bytes) else host
    assert isinstance(port, int)
    return SlotRange(first, last, node.at(str(name) if name else node.host, port))
