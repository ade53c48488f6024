"""The Redis link: sharded pub/sub for a gateway, presumed dead until proven alive. Knows bytes and channels only."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Final

from gateway.bus.address import RedisAddress
from gateway.bus.bus import Bus, BusListener, NotSubscribed, SingleBus
from gateway.bus.cluster import ClusterBus
from gateway.bus.link import OnMessage, Reading
from gateway.bus.prefix import without
from gateway.bus.probe import PublishProbe
from gateway.bus.shard_owner import LinkSettings
from shared.redis_url import is_cluster, seeds

__all__ = ["Bus", "NotSubscribed", "OnMessage", "PublishProbe", "make_bus"]

_NOTHING_AROUND: Final = nullcontext()


def make_bus(
    url: str,
    *,
    name: str,
    prefix: str = "",
    probe_channel: str,
    publish_probe: PublishProbe,
    on_message: OnMessage,
    on_lost: Callable[[], None],
    on_restored: Callable[[Sequence[bytes]], None],
    reading: Reading = _NOTHING_AROUND,
    probe_seconds: float = 2.0,
) -> Bus:
    """A bus over the Redis at `url`, or over the Redis Cluster (`redis+cluster://`) that its hosts belong to.

    It connects when `run` does. Raises ValueError for a malformed URL.

    `name` shows in CLIENT LIST. `prefix` stands before every channel in Redis; nobody here sees it but who publishes a
    probe. `probe_channel` belongs to this process alone. What the callables promise and must
    keep to stands at `OnMessage`, `Reading`, `PublishProbe` and `BusListener`.
    """
    named = [RedisAddress.parse(seed) for seed in seeds(url)]
    listener = BusListener(on_lost, on_restored)
    probe, own = f"{prefix}{probe_channel}".encode(), prefix.encode()
    settings = LinkSettings(name, without(own, on_message), reading, publish_probe, probe_seconds)
    if is_cluster(url):
        return ClusterBus(named, probe, listener, settings, prefix=own)
    return SingleBus(named[0], probe, listener, settings, prefix=own)
