"""The channels that belong to no room and no user: this gateway's own, all revocations, and the presence shards."""

from collections.abc import Callable
from typing import NamedTuple

import structlog

from gateway.bus import Bus
from gateway.forwarding.hub import Hub
from gateway.lookups import Starter
from gateway.presence.updates import PresenceUpdates
from shared import keys
from shared.wire import PREFIX_BYTES, Kind

log = structlog.get_logger()


class OwnListener(NamedTuple):
    """Who hears what: `on_drain` that an operator asks this gateway to stop, `on_counted` the body of an answer about a
    user's sockets, the others whole envelopes."""

    on_drain: Callable[[], None]
    on_counted: Callable[[bytes], None]
    on_applied: Callable[[bytes], None]
    on_revoked: Callable[[bytes], None]
    presence: PresenceUpdates


class OwnChannels:
    """`listen` once, when the owner starts."""

    def __init__(self, incarnation: str, hub: Hub, bus: Bus, tasks: Starter, listener: OwnListener) -> None:
        self._own = keys.gateway(incarnation).encode()
        self._hub = hub
        self._bus = bus
        self._tasks = tasks
        self._listener = listener

    def listen(self) -> None:
        """Without Redis it goes on trying, and the gateway is not ready."""
        own = self._own
        self._hub.listen(own, self._on_own)
        revocations = keys.REVOCATIONS.encode()
        self._hub.listen(revocations, self._listener.on_revoked)
        shards = [keys.presence_channel(shard).encode() for shard in range(keys.PRESENCE_SHARDS)]
        for channel in shards:
            self._hub.listen(channel, self._listener.presence.on_envelope)
        # Not waited for: without Redis a gateway starts all the same, and is not ready.
        self._tasks.start(self._subscribe([own, revocations], shards), name="subscribe the gateway's channels")

    async def _subscribe(self, own: list[bytes], shards: list[bytes]) -> None:
        await self._bus.subscribe([*own, *shards])
        self._listener.presence.on_restored(shards)

    def _on_own(self, envelope: bytes) -> None:
        if envelope[1] == Kind.DRAIN:
            log.info("asked to drain")
            self._listener.on_drain()
        elif envelope[1] == Kind.COUNTED:
            self._listener.on_counted(envelope[PREFIX_BYTES:])
        else:
            self._listener.on_applied(envelope)
