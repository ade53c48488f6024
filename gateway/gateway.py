"""A gateway, put together: what runs in it, how it starts, and how it stops."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from gateway.bus import make_bus
from gateway.drain import drain
from gateway.forwarding.hub import Hub
from gateway.forwarding.tracing import DeliveryTracing
from gateway.healing.client_claims import ClientClaims
from gateway.healing.gap_filler import GapFiller
from gateway.healing.outage_timer import OutageTimer
from gateway.healing.reconciler import Reconciler
from gateway.lookups import Lookups
from gateway.membership.entry import Entry
from gateway.membership.joins import Joins
from gateway.membership.memberships import Memberships
from gateway.membership.quota import Quota
from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.presence.devices import Devices
from gateway.presence.lease import Lease
from gateway.presence.script import trial
from gateway.presence.sweeper import Sweeper
from gateway.presence.updates import PresenceUpdates
from gateway.presence.writer import PresenceWriter
from gateway.publisher import Publisher
from gateway.receipts.sender import ReceiptSender
from gateway.receipts.silent import SilentReaders
from gateway.session.acceptor import Acceptor
from gateway.session.age import AgeLimit
from gateway.session.expiry import Expiry
from gateway.session.frame_handler import FrameHandler
from gateway.session.revocations import Revocations
from gateway.session.user_channel import UserChannel
from gateway.state.session import Session
from gateway.stats import Stats
from gateway.typing.app_events import AppEvents
from gateway.typing.typing import TypingSignals
from gateway.websocket.connection import Connection
from gateway.websocket.fanout import Fanout
from gateway.websocket.frame_limit import FrameLimit
from gateway.websocket.heartbeat import Heartbeat
from gateway.websocket.limits import Limits
from shared import keys
from shared.auth import TokenVerifier
from shared.clock import now_ms
from shared.http.health import Health
from shared.ids import new_id
from shared.lifecycle import Stop, Tasks
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_batches import Batches, successes
from shared.settings import Settings
from shared.tracing import NoTracing, Tracing
from shared.wire import PREFIX_BYTES, GatewayStats, Kind

log = structlog.get_logger()

FLUSH_SECONDS = 3.0
"""How long a stopping gateway tries to hand over what it knows."""


class Gateway:
    """One incarnation: entered, it serves; left, it drains (DRAIN_SECONDS) and hands over what it knows.

    Leave it after the public listener was closed, and before the internal one: so no new socket comes, and whoever
    asks is told that it is not ready. Needs settings `redis_url`, `persistence_url` and `service_token`; `redis` and
    `verifier` stay the caller's to close. Its numbers are in `registry` while it serves: one gateway in each.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        redis: RedisClient,
        verifier: TokenVerifier,
        stop: Stop,
        tracing: Tracing | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        assert settings.persistence_url is not None
        assert settings.service_token is not None
        self.incarnation = new_id()
        self._settings = settings
        self._registry = registry
        self._stop = stop
        self._started_ms = now_ms()
        self._frame_limit = FrameLimit(settings.rate_limit_frames)
        self.stats = Stats(self.own_stats, lambda: self._frame_limit.excess)
        self.reader = PresenceReader(redis, lambda: self.epoch)
        self._tasks = Tasks("gateway", stop)
        self._persistence = PersistenceClient(settings.persistence_url, settings.service_token)
        self._publisher = Publisher(redis)
        self._fanout = Fanout()
        self._hub = Hub(self._fanout, self.stats, DeliveryTracing(tracing or NoTracing(), self._fanout))
        self._lookups = Lookups(self._persistence, self._tasks)
        self._receipts = ReceiptSender(redis, self.incarnation, self.stats, lambda: self.epoch)
        self._presence = PresenceWriter(
            redis,
            self.incarnation,
            self.reader,
            self._persistence,
            self._receipts,
            settings.presence_grace_seconds,
            self._hub.live_rooms,
        )
        self._sweeper = Sweeper(redis, self.incarnation, self.reader, self._persistence, self._receipts)
        self._lease = Lease(
            redis, self.incarnation, settings.lease_seconds, self.own_stats, self._presence.tell_all_again
        )
        self._batches = Batches(redis)
        self._health = Health("gateway", vital={"redis": self._run_presence}, outages=REDIS_FAILURES)
        self._compose_rooms(settings, redis)
        self._compose_sessions(settings, verifier)

    def _compose_rooms(self, settings: Settings, redis: RedisClient) -> None:
        hub = self._hub
        assert settings.redis_url is not None
        self._bus = hub.bus = make_bus(
            settings.redis_url,
            name="parley-gateway",
            probe_channel=keys.gateway(self.incarnation) + ":probe",
            prefix=settings.redis_prefix,
            publish_probe=self._publisher.publish_now,
            on_message=hub.on_message,
            reading=self._fanout,
            on_lost=self._on_lost,
            on_restored=self._on_restored,
        )
        joins = Joins(hub, self._bus, self._lookups, self._persistence, self._tasks)
        self._memberships = Memberships(
            hub,
            self._lookups,
            joins,
            lambda user: self._gap_filler.on_behind(user),
            lambda user: self._gap_filler.on_doubt(user),
        )
        self._gap_filler = GapFiller(hub, self._memberships, self._persistence, self._tasks)
        self._outage_timer = OutageTimer(
            self.stats, is_proven=lambda: self._bus.proven, has_gaps=lambda: self._gap_filler.has_any
        )
        self._gap_filler.on_filled = self._outage_timer.on_gaps_filled
        self._reconciler = Reconciler(
            hub, self._memberships, self._persistence, settings.check_seconds, self._outage_timer
        )
        self._typing = TypingSignals(hub, self._publisher)
        self._silent = SilentReaders(self._receipts)
        self._updates = PresenceUpdates(hub, redis, self._bus.hears, self._presence.tell_again)
        hub.uncounted.on_removed = self._memberships.on_removed
        hub.on_gap = self._gap_filler.on_gap
        hub.on_other_epoch = self._reconciler.on_other_epoch
        hub.on_epoch = self._on_epoch
        hub.on_room_signal = self._typing.on_signal
        hub.on_typist_spoke = self._typing.on_spoke
        hub.on_unconfirmed = self._silent.on_written

    def _compose_sessions(self, settings: Settings, verifier: TokenVerifier) -> None:
        self._expiry = Expiry()
        self._revocations = Revocations(self._persistence, lambda: self.door.sessions(), settings.check_seconds)
        claims = ClientClaims(self.stats, self._hub.room_of)
        age_limit = AgeLimit(settings.max_connection_age_seconds, self.stats)
        on_beat = age_limit.visit if settings.max_connection_age_seconds else None
        self._heartbeat = Heartbeat(settings.heartbeat_seconds, on_beat)
        self._compose_places(settings)
        entry = Entry(self._hub, self._bus, self._lookups, self._memberships, self._presence, self._tasks, self._quota)
        handler = FrameHandler(
            self._hub,
            self._memberships,
            self._lookups,
            self._receipts,
            self._silent,
            self._typing,
            AppEvents(self._hub, self._publisher, settings.rate_limit_frames),
            verifier,
            self._expiry,
            self._revocations,
            claims,
            self._devices,
            self._tasks,
        )
        self.door = Acceptor(
            settings,
            self._hub,
            entry,
            handler,
            self._typing,
            verifier,
            self._heartbeat,
            self._expiry,
            age_limit,
            self._revocations,
            claims,
            self._devices,
            self.stats,
            Limits(frames=self._frame_limit),
            self._tasks,
        )

    def _compose_places(self, settings: Settings) -> None:
        publish = self._publisher.publish
        self._devices = Devices(self._hub, self._presence, publish, self.incarnation)
        self._quota = Quota(
            self._hub,
            self.reader,
            self._tasks,
            publish,
            self.incarnation,
            self._devices,
            settings.max_user_connections,
        )
        self._heartbeat.on_silent = self._on_silent
        self._hub.on_user_envelope = UserChannel(self._memberships, self._devices, self._quota).on_envelope

    async def __aenter__(self) -> Self:
        self._registry.register(self.stats)
        await self._persistence.__aenter__()
        await self._tasks.__aenter__()
        self._heartbeat.start()
        self._expiry.start()
        self._tasks.spawn(self._bus.run(), name="redis link")
        self._tasks.spawn(self._publisher.run(), name="publisher")
        self._tasks.spawn(self._receipts.run(), name="receipts")
        self._tasks.spawn(self._presence.run(), name="presence")
        self._tasks.spawn(self._lease.run(), name="lease")
        self._tasks.spawn(self._updates.run(), name="presence updates")
        self._tasks.spawn(self._gap_filler.run(), name="gaps")
        self._tasks.spawn(self._reconciler.run(), name="checks")
        self._tasks.spawn(self._revocations.run(), name="revocations")
        self._tasks.periodically(self._settings.lease_seconds / 3, self._sweep, name="sweep")
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.drain()
            await self._hand_over()
        finally:
            self._expiry.stop()
            self._heartbeat.stop()
            self._typing.stop()
            self._registry.unregister(self.stats)
            await self._tasks.__aexit__(kind, error, trace)
            await self._persistence.__aexit__(kind, error, trace)

    async def drain(self) -> None:
        """Lets no one in any more, and everyone out."""
        self.door.is_open = False
        await drain(self.door.sessions(), self.door.empty, self._settings.drain_seconds)

    async def settled(self) -> None:
        """Returns once every receipt that was reported is in Postgres."""
        await self._receipts.settled()

    async def ready(self) -> dict[str, str]:
        """What must work to serve: Redis, by what this gateway does with it, and not being about to stop."""
        troubles = await self._health.parts()
        silent = "" if self._bus.proven else "what is published is not heard"
        accepting = "" if self.door.is_open else "draining"
        return {"redis": troubles["redis"] or silent, "accepting": accepting}

    async def _run_presence(self) -> None:
        successes(await self._batches.send(trial(self._batches.named, self.incarnation)))

    @property
    def epoch(self) -> str:
        """The line of history that it follows; empty until persistence told it."""
        return self._hub.epoch_id

    def own_stats(self) -> GatewayStats:
        """What this gateway holds, as its lease says."""
        return GatewayStats(
            connections=self.door.count,
            rooms=len(self._hub.rooms),
            users=len(self._hub.users),
            started_ms=self._started_ms,
            draining=not self.door.is_open,
            epoch=self.epoch,
        )

    def _listen(self) -> None:
        own = keys.gateway(self.incarnation).encode()
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

    def _on_lost(self) -> None:
        self._outage_timer.on_lost()
        self._updates.on_lost()

    def _on_restored(self, channels: Sequence[bytes]) -> None:
        self._outage_timer.on_restored()
        self._reconciler.on_restored(channels)
        self._updates.on_restored(channels)
        self._revocations.on_restored()
        self._devices.on_restored()

    def _on_epoch(self) -> None:
        """Others are to know at once whose we are; and what was told of it before was not heard."""
        self._lease.renew_soon()
        self._revocations.on_restored()

    def _on_own(self, envelope: bytes) -> None:
        if envelope[1] == Kind.DRAIN:
            log.info("asked to drain")
            self._stop.ask()
        elif envelope[1] == Kind.COUNTED:
            self._quota.on_answer(envelope[PREFIX_BYTES:])
        else:
            self._receipts.on_envelope(envelope)

    def _on_silent(self, connection: Connection) -> None:
        if isinstance(connection.owner, Session):
            self._devices.silent(connection.owner)

    async def _sweep(self) -> None:
        try:
            await self._sweeper.sweep()
            self._devices.forget_dead(await self.reader.live())
        except (*REDIS_FAILURES, PersistenceAway) as error:
            log.warning("dead gateways not swept yet", error=f"{type(error).__name__}: {error}")

    async def _hand_over(self) -> None:
        """The last receipts and presence, then the lease: it ends by itself, so that whoever reconnects elsewhere
        within the grace was never offline."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._presence.flush()
                await self._lease.release(self._settings.presence_grace_seconds)
                await self._receipts.settled()
        except (*REDIS_FAILURES, TimeoutError) as error:
            log.warning("not all handed over", error=f"{type(error).__name__}: {error}")
