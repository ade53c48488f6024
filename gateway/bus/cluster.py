"""The bus over a Redis Cluster: one link a primary, and channels that follow their slots."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from itertools import count

import structlog

from gateway.bus.address import RedisAddress
from gateway.bus.backoff import Backoff
from gateway.bus.bus import Bus, BusListener
from gateway.bus.cancellation import heed_cancellation
from gateway.bus.shard import Shard
from gateway.bus.shard_owner import LinkSettings
from gateway.bus.slots import SLOTS, key_slot
from gateway.bus.topology import SlotRange, read_topology
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

TOPOLOGY_SECONDS = 30.0
"""How often the topology is read without a reason: a new primary that took over quietly is found within this."""


class ClusterBus(Bus):
    """Channels are routed by their slot. The topology is read anew when in doubt: a link is lost or unreachable, Redis
    says MOVED, or it ends a subscription because the slot has moved. Any node that is known may answer.

    A channel whose slot nobody serves waits. One that moved is interrupted, and restored like after a lost link.
    """

    def __init__(
        self,
        seeds: Sequence[RedisAddress],
        probe_channel: bytes,
        listener: BusListener,
        settings: LinkSettings,
        *,
        prefix: bytes = b"",
    ) -> None:
        super().__init__(listener, prefix)
        self._seeds = seeds
        self._probe_channel = probe_channel
        self._settings = settings
        self._ranges: list[SlotRange] = []
        self._shards: dict[str, Shard] = {}
        self._by_slot: list[Shard | None] = [None] * SLOTS
        self._homeless: dict[bytes, bool] = {}  # wanted, on no shard; whether it was interrupted
        self._doubt = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def proven(self) -> bool:
        return not self._homeless and bool(self._shards) and all(shard.proven for shard in self._shards.values())

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._follow_topology(tasks)
        finally:
            self._stop()

    # --- topology ---------------------------------------------------------------------------------------------------

    async def _follow_topology(self, tasks: asyncio.TaskGroup) -> None:
        pause = Backoff()
        while True:
            self._doubt.clear()
            ranges = await self._ask_nodes()
            heed_cancellation()
            if ranges:
                self._adopt(ranges, tasks)
            if not self._doubt.is_set() and not self._homeless:
                pause.reset()
            await asyncio.sleep(pause.next_seconds())
            await self._doubted()

    async def _doubted(self) -> None:
        if self._homeless:
            return
        try:
            async with asyncio.timeout(TOPOLOGY_SECONDS):
                await self._doubt.wait()
        except TimeoutError:
            return

    async def _ask_nodes(self) -> list[SlotRange]:
        """From the first node that answers; none is asked first every time, lest one with an old view decides alone.

        The seeds come last, and always: where all nodes changed their addresses only they still lead to the cluster.
        """
        known = [shard.address for shard in self._shards.values()]
        for node in [*random.sample(known, len(known)), *random.sample(self._seeds, len(self._seeds))]:
            try:
                return await read_topology(node)
            except REDIS_FAILURES as error:
                log.info("redis topology not read", address=str(node), error=f"{type(error).__name__}: {error}")
        return []

    def _adopt(self, ranges: list[SlotRange], tasks: asyncio.TaskGroup) -> None:
        if ranges != self._ranges:
            self._ranges = ranges
            self._assign(ranges, tasks)
            self._evict_misplaced()
            self._retire({str(served.primary) for served in ranges})
            log.info("redis topology changed", shards=sorted(self._shards))
        for shard in self._shards.values():
            shard.move_probe(self._probe_channel_of(shard))
        homeless, self._homeless = self._homeless, {}
        for channel, interrupted in homeless.items():
            self._place(channel, interrupted=interrupted)

    def _assign(self, ranges: Iterable[SlotRange], tasks: asyncio.TaskGroup) -> None:
        self._by_slot = [None] * SLOTS
        for first, last, primary in ranges:
            shard = self._shards.get(str(primary))
            slots = range(first, last + 1)
            if shard is None:
                shard = self._shards[str(primary)] = Shard(
                    primary, self._probe_channel_in(slots), self, self._settings, by_slot=True
                )
                self._running[str(primary)] = tasks.create_task(shard.run(), name=f"redis-shard {primary}")
            self._by_slot[first : last + 1] = [shard] * len(slots)

    def _evict_misplaced(self) -> None:
        for shard in self._shards.values():
            for channel in [wanted for wanted in shard.wanted if self._shard_of(wanted) is not shard]:
                if channel != shard.probe.channel:
                    self._homeless[channel] = shard.forget(channel)

    def _retire(self, serving: set[str]) -> None:
        for address in self._shards.keys() - serving:
            del self._shards[address]
            self._running.pop(address).cancel()

    def _probe_channel_of(self, shard: Shard) -> bytes:
        """The one it has while that is still in a slot of its own, else another."""
        if self._shard_of(shard.probe.channel) is shard:
            return shard.probe.channel
        return self._probe_channel_in(slot for slot in range(SLOTS) if self._by_slot[slot] is shard)

    def _probe_channel_in(self, slots: Iterable[int]) -> bytes:
        """A hash tag is tried after the other until one falls into these slots: 16,384 times at worst, for one slot."""
        wanted = slots if isinstance(slots, range) else set(slots)
        return next(
            channel for number in count() if key_slot(channel := b"%s:{%d}" % (self._probe_channel, number)) in wanted
        )

    # --- channels ---------------------------------------------------------------------------------------------------

    def _shard_of(self, channel: bytes) -> Shard | None:
        return self._by_slot[key_slot(channel)]

    def _place(self, channel: bytes, *, interrupted: bool) -> bool:
        shard = self._shard_of(channel)
        if shard is not None:
            return shard.want(channel, interrupted=interrupted)
        self._homeless[channel] = interrupted
        self._doubt.set()
        return False

    def _confirmed(self, channel: bytes) -> bool:
        shard = self._shard_of(channel)
        return shard is not None and shard.confirmed(channel)

    def _want(self, channel: bytes) -> bool:
        return channel not in self._homeless and self._place(channel, interrupted=False)

    def _forget(self, channel: bytes) -> None:
        self._homeless.pop(channel, None)
        shard = self._shard_of(channel)
        if shard is not None:
            shard.forget(channel)

    # --- what a shard tells (ShardOwner) ----------------------------------------------------------------------------

    def shard_lost(self) -> None:
        super().shard_lost()
        self._doubt.set()

    def shard_unreachable(self) -> None:
        self._doubt.set()

    def channels_misplaced(self, shard: Shard, channels: Sequence[bytes], error: str) -> None:
        """They wait for the next reading of the topology, which may well name this same shard again: another node can
        learn of a move later than the one that refuses."""
        log.info("redis channels misplaced", address=str(shard.address), error=error, channels=len(channels))
        moved = [channel for channel in channels if shard.wants(channel) and channel != shard.probe.channel]
        for channel in moved:
            self._homeless[channel] = shard.forget(channel)
        if any(self._homeless[channel] for channel in moved):
            super().shard_lost()
        self._doubt.set()
