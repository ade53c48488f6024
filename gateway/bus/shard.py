"""One Redis primary: keeps a link to it alive, and subscribed to what is wanted there."""

import asyncio
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from gateway.bus.address import RedisAddress
from gateway.bus.backoff import Backoff
from gateway.bus.batches import batches
from gateway.bus.link import LinkRefused, RedisLink
from gateway.bus.probe import Probe
from gateway.bus.shard_owner import LinkSettings, ShardOwner

log = structlog.get_logger()

_WANTED, _SUBSCRIBED = 1, 2
"""What a shard knows of a channel: that it is wanted; that the last command for it on this link was SSUBSCRIBE."""

_RECONNECTS = Counter("parley_gateway_redis_reconnects_total", "Links to Redis that were lost and had to be made anew.")


class Shard:
    """The channels wanted from one primary, and its one link.

    What is wanted and what the link has is compared once a loop tick: everything asked for in one tick leaves in one
    write, and asking twice, or for the opposite, costs nothing. `by_slot`: in a Redis Cluster the channels of one
    command must share a slot.
    """

    def __init__(
        self,
        address: RedisAddress,
        probe_channel: bytes,
        owner: ShardOwner,
        settings: LinkSettings,
        *,
        by_slot: bool = False,
    ) -> None:
        self.address = address
        # One entry a channel: a gateway has hundreds of thousands, and a set for each fact took 200 bytes of each.
        self._channels: dict[bytes, int] = {probe_channel: _WANTED}
        self.probe = Probe(
            probe_channel,
            publish=settings.publish_probe,
            seconds=settings.probe_seconds,
            on_silent=self._replace_silent,
        )
        self._owner = owner
        self._settings = settings
        self._by_slot = by_slot
        self._link: RedisLink | None = None
        self._lost = asyncio.Event()
        self._backoff = Backoff()
        self._touched: set[bytes] = set()
        self._interrupted: set[bytes] = set()
        self._restored: list[bytes] = []
        self._restoring = False

    @property
    def proven(self) -> bool:
        return self._link is not None and self.probe.proven

    @property
    def wanted(self) -> list[bytes]:
        return [channel for channel in self._channels if self.wants(channel)]

    def wants(self, channel: bytes) -> bool:
        return self._channels.get(channel, 0) & _WANTED != 0

    def confirmed(self, channel: bytes) -> bool:
        both = self._channels.get(channel) == _WANTED | _SUBSCRIBED
        return both and self._link is not None and self._link.settled(channel)

    def want(self, channel: bytes, *, interrupted: bool = False) -> bool:
        """Subscribe it, and again on every new link. `interrupted`: it was confirmed before, on another shard.

        True where it is confirmed already; also one that was given up in this very tick, and so is still subscribed.
        """
        facts = self._channels.get(channel, 0)
        self._channels[channel] = facts | _WANTED
        if interrupted:
            self._interrupted.add(channel)
            self._restoring = True
        if not facts & _SUBSCRIBED:
            self._touch(channel)
        return facts & _SUBSCRIBED != 0 and self._link is not None and self._link.settled(channel)

    def forget(self, channel: bytes) -> bool:
        """Unsubscribe it; True where it was confirmed before, so that events may be missed until it is again."""
        was_confirmed = channel in self._interrupted or self.confirmed(channel)
        self._drop(channel, _WANTED)
        self._interrupted.discard(channel)
        self._touch(channel)
        return was_confirmed

    def replace_link(self, reason: str) -> None:
        if self._link is not None:
            self._link.end(reason)

    def move_probe(self, channel: bytes) -> None:
        """Probe on this channel from now on; the same one again makes sure that it is subscribed."""
        if channel != self.probe.channel:
            self.forget(self.probe.channel)
            self.probe.channel = channel
            if self._link is not None:
                self._link.probe_channel = channel
        self.want(channel)

    async def run(self) -> None:
        """Keeps the link and probes it, until cancelled; then the link is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_link(), name=f"redis-link {self.address}")
                tasks.create_task(self.probe.run(), name=f"redis-probe {self.address}")
        finally:
            self._close()

    async def _keep_link(self) -> None:
        while True:
            self._adopt(await self._connected())
            await self._lost.wait()
            await asyncio.sleep(self._backoff.next_seconds())

    async def _connected(self) -> RedisLink:
        complained = False
        while True:
            try:
                return await RedisLink.connect(
                    self.address,
                    name=self._settings.name,
                    owner=self,
                    on_message=self._settings.on_message,
                    reading=self._settings.reading,
                    probe_channel=self.probe.channel,
                )
            except (OSError, LinkRefused) as error:
                if not complained:  # once an outage
                    log.warning(
                        "redis unreachable", address=str(self.address), error=f"{type(error).__name__}: {error}"
                    )
                complained = True
                self._owner.shard_unreachable()
            await asyncio.sleep(self._backoff.next_seconds())

    def _adopt(self, link: RedisLink) -> None:
        """The probe's channel goes first: its confirmation starts the proof, whatever else is to be subscribed."""
        self._lost.clear()
        self._link = link
        self.probe.forget()
        channels = [channel for channel in self._channels if channel != self.probe.channel]
        self._channels = dict.fromkeys(self._channels, _WANTED | _SUBSCRIBED)
        link.change([[self.probe.channel], *batches(channels, by_slot=self._by_slot)], [])

    def _close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.end("stopped")

    # --- from wanted to subscribed ----------------------------------------------------------------------------------

    def _touch(self, channel: bytes) -> None:
        if not self._touched:
            asyncio.get_running_loop().call_soon(self._flush)
        self._touched.add(channel)

    def _flush(self) -> None:
        link, touched = self._link, self._touched
        self._touched = set()
        if link is None:
            return  # the next link subscribes whatever is wanted by then
        more = [channel for channel in touched if self._channels.get(channel) == _WANTED]
        less = [channel for channel in touched if self._channels.get(channel) == _SUBSCRIBED]
        self._channels.update(dict.fromkeys(more, _WANTED | _SUBSCRIBED))
        for channel in less:
            del self._channels[channel]
        link.change(batches(more, by_slot=self._by_slot), batches(less, by_slot=self._by_slot))
        self._check_restored()

    def _drop(self, channel: bytes, fact: int) -> None:
        left = self._channels.pop(channel, 0) & ~fact
        if left:
            self._channels[channel] = left

    # --- what the link tells (LinkOwner) ----------------------------------------------------------------------------

    def link_confirmed(self, channel: bytes) -> None:
        if channel == self.probe.channel:
            self.probe.hurry()
        elif self.wants(channel):
            if channel in self._interrupted:
                self._interrupted.discard(channel)
                self._restored.append(channel)
            self._owner.channel_confirmed(channel)
        self._check_restored()

    def link_refused(self, channels: Sequence[bytes], error: str) -> None:
        for channel in channels:
            self._drop(channel, _SUBSCRIBED)
        self._owner.channels_misplaced(self, channels, error)

    def link_revoked(self, channel: bytes) -> None:
        if not self._channels.get(channel, 0) & _SUBSCRIBED:
            return  # our own SUNSUBSCRIBE is on its way
        self._drop(channel, _SUBSCRIBED)
        if self.wants(channel) and channel != self.probe.channel:
            self._interrupted.add(channel)
        self._owner.channels_misplaced(self, [channel], "sunsubscribe")

    def link_probed(self, payload: bytes) -> None:
        self.probe.came_back(payload)
        self._backoff.reset()

    def link_down(self, reason: str) -> None:
        link, self._link = self._link, None
        if link is None:
            return  # it never was ours: `connect` raises
        both = (channel for channel, facts in self._channels.items() if facts == _WANTED | _SUBSCRIBED)
        self._interrupted.update(channel for channel in both if link.settled(channel))
        self._channels = dict.fromkeys(self.wanted, _WANTED)
        self._interrupted.discard(self.probe.channel)
        self._restored.clear()  # they are interrupted once more
        self._restoring = True
        self._lost.set()
        _RECONNECTS.inc()
        log.warning("redis link lost", address=str(self.address), reason=reason, channels=len(self._channels))
        self._owner.shard_lost()

    def _check_restored(self) -> None:
        """Says so once every interrupted channel is confirmed; with none, once the new link takes subscriptions."""
        link = self._link
        if self._restoring and not self._interrupted and link is not None and self.confirmed(self.probe.channel):
            self._restoring = False
            restored, self._restored = self._restored, []
            log.info("redis link restored", address=str(self.address), channels=len(restored))
            self._owner.shard_restored(restored)

    def _replace_silent(self) -> None:
        self.replace_link("two probes in a row did not come back")
