"""The Redis link: sharded pub/sub for a gateway, presumed dead until proven alive. Knows bytes and channels only."""

from collections.abc import Callable, Sequence

from gateway.bus.address import RedisAddress
from gateway.bus.bus import Bus, BusListener, NotSubscribed, SingleBus
from gateway.bus.cluster import ClusterBus
from gateway.bus.link import OnMessage
from gateway.bus.probe import PublishProbe
from gateway.bus.shard import LinkSettings
from shared.redis import is_cluster

__all__ = ["Bus", "NotSubscribed", "OnMessage", "PublishProbe", "make_bus"]


def make_bus(
    url: str,
    *,
    name: str,
    probe_channel: str,
    publish_probe: PublishProbe,
    on_message: OnMessage,
    on_lost: Callable[[], None],
    on_restored: Callable[[Sequence[bytes]], None],
    probe_seconds: float = 2.0,
) -> Bus:
    """A bus over the Redis at `url`, or over the Redis Cluster (`redis+cluster://`) that this node belongs to.

    It connects when `run` does. Raises ValueError for a malformed URL.

    `name` shows in CLIENT LIST. `probe_channel` belongs to this process alone. What the callables promise and must
    keep to stands at `OnMessage`, `PublishProbe` and `BusListener`.
    """
    kind = ClusterBus if is_cluster(url) else SingleBus
    return kind(
        RedisAddress.parse(url),
        probe_channel.encode(),
        BusListener(on_lost, on_restored),
        LinkSettings(name, on_message, publish_probe, probe_seconds),
    )
