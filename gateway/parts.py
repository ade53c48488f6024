"""What runs in a gateway, constructed in the order in which each part needs the others."""

from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from gateway.bus import make_bus
from gateway.forwarding.hub import Hub
from gateway.forwarding.listener import HubListener
from gateway.forwarding.tracing import DeliveryTracing
from gateway.healing.client_claims import ClientClaims
from gateway.healing.gap_filler import GapFiller
from gateway.healing.outage_timer import OutageTimer
from gateway.healing.reconciler import Reconciler
from gateway.lookups import Lookups
from gateway.membership.entry import Entry
from gateway.membership.joins import Joins
from gateway.membership.memberships import Memberships
from gateway.membership.missing import Missing
from gateway.membership.quota import Quota
from gateway.own_channels import OwnChannels, OwnListener
from gateway.persistence_client import PersistenceClient
from gateway.presence.devices import Devices
from gateway.presence.lease import Lease
from gateway.presence.sweeper import Sweeper
from gateway.presence.updates import PresenceUpdates
from gateway.presence.writer import PresenceWriter
from gateway.publisher import Publisher
from gateway.readiness import Readiness
from gateway.receipts.sender import ReceiptSender
from gateway.receipts.silent import SilentReaders
from gateway.session.acceptor import Acceptor
from gateway.session.admission import Admission
from gateway.session.age import AgeLimit
from gateway.session.credentials import Credentials
from gateway.session.expiry import Expiry
from gateway.session.frame_handler import FrameHandler
from gateway.session.fresh_tokens import FreshTokens
from gateway.session.lifetimes import Lifetimes
from gateway.session.receipt_frames import ReceiptFrames
from gateway.session.revocations import Revocations
from gateway.session.room_commands import RoomCommands
from gateway.session.user_channel import UserChannel
from gateway.shutdown import Shutdown
from gateway.stats import Stats
from gateway.typing.app_events import AppEvents
from gateway.typing.live import LiveSignals
from gateway.typing.typing import TypingSignals
from gateway.websocket.fanout import Fanout
from gateway.websocket.frame_limit import FrameLimit
from gateway.websocket.heartbeat import Heartbeat
from gateway.websocket.limits import Limits
from shared import keys
from shared.auth import TokenVerifier
from shared.clock import now_ms
from shared.ids import new_id
from shared.lifecycle import Stop, Tasks
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.settings import Settings
from shared.streams import GatewayStats
from shared.tracing import NoTracing, Tracing


class Parts:
    """Nothing runs yet: `gateway.gateway.Gateway` starts and stops it. Parts that must hear of later ones are told
    through one listener (`HubListener`, `BusListener`), set before anything can come.
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
        self._compose_presence(settings, redis)
        self._compose_rooms(settings, redis)
        self._compose_sessions(settings, verifier)
        self._compose_ends(settings, redis, stop)

    def _compose_presence(self, settings: Settings, redis: RedisClient) -> None:
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

    def _compose_rooms(self, settings: Settings, redis: RedisClient) -> None:
        hub = self._hub
        assert settings.redis_url is not None
        self._bus = make_bus(
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
        missing = self._missing = Missing()
        self._memberships = Memberships(hub, self._lookups, joins, missing)
        self._outage_timer = OutageTimer(
            self.stats, is_proven=lambda: self._bus.proven, has_gaps=lambda: missing.has_any
        )
        self._gap_filler = GapFiller(
            hub, self._memberships, missing, self._outage_timer, self._persistence, self._tasks
        )
        self._reconciler = Reconciler(
            hub, self._memberships, self._persistence, settings.check_seconds, self._outage_timer
        )
        self._typing = TypingSignals(hub, self._publisher)
        self._silent = SilentReaders(self._receipts)
        self._updates = PresenceUpdates(hub, redis, self._bus.hears, self._presence.tell_again)

    def _compose_sessions(self, settings: Settings, verifier: TokenVerifier) -> None:
        self._expiry = Expiry()
        self._revocations = Revocations(self._persistence, lambda: self.acceptor.sessions(), settings.check_seconds)
        claims = ClientClaims(self.stats, self._hub.room_of)
        age_limit = AgeLimit(settings.max_connection_age_seconds, self.stats)
        on_beat = age_limit.visit if settings.max_connection_age_seconds else None
        self._compose_places(settings)
        self._heartbeat = Heartbeat(settings.heartbeat_seconds, on_beat, self._devices.on_silent)
        entry = Entry(self._hub, self._bus, self._lookups, self._memberships, self._presence, self._tasks, self._quota)
        credentials = Credentials(verifier, self._revocations)
        receipts = ReceiptFrames(self._lookups, self._receipts, self._silent, self._devices, self._tasks)
        live = LiveSignals(self._typing, AppEvents(self._hub, self._publisher, settings.rate_limit_frames))
        rooms = RoomCommands(self._hub, self._memberships, self._lookups, receipts, live, self._tasks)
        handler = FrameHandler(rooms, FreshTokens(credentials, self._expiry, self._tasks), receipts, claims)
        lifetimes = Lifetimes(self._heartbeat, self._expiry, age_limit, claims, self._typing, self._devices, self.stats)
        admission, limits = Admission(settings, credentials, self.stats), Limits(frames=self._frame_limit)
        self.acceptor = Acceptor(settings, entry, handler, admission, lifetimes, limits, self._tasks)

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

    def _compose_ends(self, settings: Settings, redis: RedisClient, stop: Stop) -> None:
        self._hub.listener = self._listener()
        listener = OwnListener(
            on_drain=stop.ask,
            on_counted=self._quota.on_answer,
            on_applied=self._receipts.on_envelope,
            on_revoked=self._revocations.on_envelope,
            presence=self._updates,
        )
        self._own_channels = OwnChannels(self.incarnation, self._hub, self._bus, self._tasks, listener)
        self._shutdown = Shutdown(settings, self.acceptor, self._presence, self._lease, self._receipts)
        self._readiness = Readiness(redis, self.incarnation, self._bus, self.acceptor)

    def _listener(self) -> HubListener:
        return HubListener(
            on_gap=self._missing.on_gap,
            on_other_epoch=self._reconciler.on_other_epoch,
            on_epoch=self._on_epoch,
            on_removed=self._memberships.on_removed,
            on_withdrawn=self._memberships.on_withdrawn,
            on_room_signal=self._typing.on_signal,
            on_typist_spoke=self._typing.on_spoke,
            on_unconfirmed=self._silent.on_written,
            on_user_envelope=UserChannel(self._hub, self._memberships, self._devices, self._quota).on_envelope,
            on_empty=self._bus.unsubscribe,
        )

    @property
    def epoch(self) -> str:
        """The line of history that it follows; empty until persistence told it."""
        return self._hub.epoch_id

    def own_stats(self) -> GatewayStats:
        """What this gateway holds, as its lease says."""
        return GatewayStats(
            connections=self.acceptor.count,
            rooms=len(self._hub.rooms),
            users=len(self._hub.users),
            started_ms=self._started_ms,
            draining=not self.acceptor.is_open,
            epoch=self.epoch,
        )

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
