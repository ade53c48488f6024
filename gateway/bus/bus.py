"""What a gateway hears from Redis: channels of bytes, subscribed through every loss of a link. Knows no rooms."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from gateway.bus.address import RedisAddress
from gateway.bus.shard import Shard
from gateway.bus.shard_owner import LinkSettings

log = structlog.get_logger()


class NotSubscribed(Exception):
    """The channel was unsubscribed, or the bus stopped, before Redis confirmed it: nothing is heard on it."""


@dataclass(frozen=True)
class BusListener:
    """Whom the bus tells that events may have been missed. Both are called on the loop and must not block.

    `on_lost()`: an interruption began. `on_restored(channels)`: these were interrupted and are confirmed again: what
    was published on them in between is gone, so read their heads now. Each loss ends in a restore of its own channels
    as soon as they are back, even while another shard of a cluster is still away.
    """

    on_lost: Callable[[], None]
    on_restored: Callable[[Sequence[bytes]], None]


class _Subscribing:
    """One call of `subscribe`: how many of its channels Redis has still to confirm, and whether it did."""

    __slots__ = ("confirmed", "left")

    def __init__(self) -> None:
        self.left = 0
        self.confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def answer(self, *, confirmed: bool) -> None:
        """For one channel. The caller may be gone."""
        self.left -= 1
        if not self.confirmed.done() and not (confirmed and self.left):
            self.confirmed.set_result(confirmed)


class Bus(ABC):
    """Subscriptions that outlive their connection.

    A message is delivered at most once, in the order of its channel; whether one was missed, only the listener's
    restores and the sequence numbers inside tell. `run` must run, as a task of the owner's.
    """

    def __init__(self, listener: BusListener, prefix: bytes = b"") -> None:
        self._listener = listener
        self._prefix = prefix
        self._waiting: dict[bytes, list[_Subscribing]] = {}
        self._stopped = False
        self.generation = 0
        """Rises with every interruption: the same number before and after means that nothing was missed between."""

    async def subscribe(self, channels: Iterable[str | bytes]) -> None:
        """Returns once Redis has confirmed every channel: what is published from then on arrives.

        Through an outage it waits (bound it with `asyncio.timeout`). A cancelled call leaves its channels subscribed.
        The channels of all calls in one loop tick leave in one write. Raises NotSubscribed.
        """
        if self._stopped:
            raise NotSubscribed
        call = _Subscribing()
        for channel in map(self._named, channels):
            if self._must_wait(channel):
                call.left += 1
                self._waiting.setdefault(channel, []).append(call)
        if call.left and not await call.confirmed:
            raise NotSubscribed

    def unsubscribe(self, channels: Iterable[str | bytes]) -> None:
        """Redis is told within this loop tick; what was on its way until then may still be delivered.

        Channels are not counted: one call ends what any number of `subscribe` began, and fails those that wait.
        """
        for channel in map(self._named, channels):
            self._forget(channel)
            self._answer(channel, confirmed=False)

    def hears(self, channel: bytes) -> bool:
        """Redis has confirmed it, and the link that it came over is up."""
        return self._confirmed(self._prefix + channel)

    @property
    @abstractmethod
    def proven(self) -> bool:
        """Whether a probe has lately come back through every link: readiness."""

    @abstractmethod
    async def run(self) -> None:
        """Keeps the links until cancelled. Ends by itself only with an error that is a bug."""

    @abstractmethod
    def _confirmed(self, channel: bytes) -> bool: ...

    @abstractmethod
    def _want(self, channel: bytes) -> bool:
        """True where it is confirmed already, and so no word about it will come."""

    @abstractmethod
    def _forget(self, channel: bytes) -> None: ...

    def _named(self, channel: str | bytes) -> bytes:
        """As it stands in Redis; the same object where there is no prefix."""
        return self._prefix + (channel.encode() if isinstance(channel, str) else channel)

    def _must_wait(self, channel: bytes) -> bool:
        """False where it is confirmed already. Redis is asked once, however many wait."""
        return channel in self._waiting or not self._want(channel)

    def _answer(self, channel: bytes, *, confirmed: bool) -> None:
        for call in self._waiting.pop(channel, ()):
            call.answer(confirmed=confirmed)

    def _stop(self) -> None:
        self._stopped = True
        for channel in list(self._waiting):
            self._answer(channel, confirmed=False)

    # --- what a shard tells (ShardOwner) ----------------------------------------------------------------------------

    def channel_confirmed(self, channel: bytes) -> None:
        self._answer(channel, confirmed=True)

    def shard_lost(self) -> None:
        self.generation += 1
        self._listener.on_lost()

    def shard_restored(self, channels: Sequence[bytes]) -> None:
        start = len(self._prefix)
        self._listener.on_restored([channel[start:] for channel in channels] if start else channels)


class SingleBus(Bus):
    """One Redis, one link."""

    def __init__(
        self,
        address: RedisAddress,
        probe_channel: bytes,
        listener: BusListener,
        settings: LinkSettings,
        *,
        prefix: bytes = b"",
    ) -> None:
        super().__init__(listener, prefix)
        self._shard = Shard(address, probe_channel, self, settings)

    @property
    def proven(self) -> bool:
        return self._shard.proven

    async def run(self) -> None:
        try:
            await self._shard.run()
        finally:
            self._stop()

    def _confirmed(self, channel: bytes) -> bool:
        return self._shard.confirmed(channel)

    def _want(self, channel: bytes) -> bool:
        return self._shard.want(channel)

    def _forget(self, channel: bytes) -> None:
        self._shard.forget(channel)

    def shard_unreachable(self) -> None:
        """The shard goes on trying; there is nowhere else to look."""

    def channels_misplaced(self, shard: Shard, channels: Sequence[bytes], error: str) -> None:
        """No cluster to look for another place in: a Redis that still loads, or one that refuses us. Try it anew."""
        log.error("redis refused a subscription", address=str(shard.address), error=error, channels=len(channels))
        shard.replace_link(f"subscription refused: {error}")
