"""The channels that belong to no room and no user: this gateway's own, all revocations, and the presence shards."""

import structlog

from gateway.bus import Bus
from gateway.forwarding.hub import Hub
from gateway.lookups import Starter
from gateway.membership.quota import Quota
from gateway.presence.updates import PresenceUpdates
from gateway.receipts.sender import ReceiptSender
from gateway.session.revocations import Revocations
from shared import keys
from shared.lifecycle import Stop
from shared.wire import PREFIX_BYTES, Kind

log = structlog.get_logger()


class OwnChannels:
    """`listen` once, when the owner starts; `stop` is asked where an operator drains this gateway."""

    def __init__(
        self,
        incarnation: str,
        hub: Hub,
        bus: Bus,
        stop: Stop,
        *,
        receipts: ReceiptSender,
        quota: Quota,
        revocations: Revocations,
        updates: PresenceUpdates,
        tasks: Starter,
    ) -> None:
        self._own = keys.gateway(incarnation).encode()
        self._hub = hub
        self._bus = bus
        self._stop = stop
        self._receipts = receipts
        self._quota = quota
        self._revocations = revocations
        self._updates = updates
        self._tasks = tasks

    def listen(self) -> None:
        """Without Redis it goes on trying, and the gateway is not ready."""
        own = self._own
        self._hub.listen(own, self._on_own)
        revocations = keys.REVOCATIONS.encode()
        self._hub.listen(revocations, self._revocations.on_envelope)
        shards = [keys.presence_channel(shard).encode() for shard in range(keys.PRESENCE_SHARDS)]
        for channel in shards:
            self._hub.listen(channel, self._updates.on_envelope)
        # Not waited for: without Redis a gateway starts all the same, and is not ready.
        self._tasks.start(self._subscribe([own, revocations], shards), name="subscribe the gateway's channels")

    async def _subscribe(self, own: list[bytes], shards: list[bytes]) -> None:
        await self._bus.subscribe([*own, *shards])
        self._updates.on_restored(shards)

    def _on_own(self, envelope: bytes) -> None:
        if envelope[1] == Kind.DRAIN:
            log.info("asked to drain")
            self._stop.ask()
        elif envelope[1] == Kind.COUNTED:
            self._quota.on_answer(envelope[PREFIX_BYTES:])
        else:
            self._receipts.on_envelope(envelope)
