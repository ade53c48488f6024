"""The composition root of a persistence process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from persistence.attachments.collecting import Collector
from persistence.attachments.rules import FileRules, file_rules_of
from persistence.audit import store as audit
from persistence.conversations import announcing, clock
from persistence.database import retention
from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.epoch import Epoch
from persistence.log.event_relay import EventRelay
from persistence.log.publisher import Publisher
from persistence.log.relay import Relay
from persistence.log.settling import Settling
from persistence.members.announcer import MembershipAnnouncer
from persistence.members.relay import MembershipRelay
from persistence.messages.expiry import Expiry
from persistence.messages.queue import SendQueue
from persistence.messages.sender import Sender
from persistence.moderation import upkeep
from persistence.profiles.changes import ProfileChanges
from persistence.push import withdrawals
from persistence.push.marker import PushMarker
from persistence.push.state import PushState
from persistence.quotas import Quotas
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.receipts.consumer import BLOCK_SECONDS, ReceiptsConsumer
from persistence.receipts.minima import Minima
from persistence.receipts.stream import ReceiptsStream
from persistence.rules import Rules, rules_of
from persistence.scheduled.worker import Worker
from persistence.screening.releasing import Releaser
from persistence.screening.screening import Screening
from persistence.search import rows as search
from persistence.search.filling import Filler
from persistence.staff.staff import Staff
from persistence.staff.store import ROLES
from persistence.users.refusals import Refusals
from persistence.webhooks.beginnings import Beginnings
from persistence.webhooks.noting import Hooks
from services import openings
from services.screening import screening
from services.server_api import ServerApi, server_api
from shared.ids import new_id
from shared.lifecycle import Stop, Tasks
from shared.limits import RateLimiter
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.settings import SettingError, Settings
from shared.tracing import Tracing

RELAY_SECONDS = 0.5
SAMPLE_SECONDS = 5.0
MARKER_SECONDS = 1.0
REPEAT_SECONDS = 1.0
MINIMA_SECONDS = 0.5
PROFILES_SECONDS = 0.5
REFUSALS_SECONDS = 1.0
PROBE_SECONDS = 1.0
"""Also where nobody asks for readiness: it is the probe that finds the sessions of a server that became read-only."""
EXPIRY_SECONDS = 1.0
"""A look into an index that is empty where nothing ever expires."""
RELEASE_SECONDS = 5.0
SCHEDULED_SECONDS = 1.0
RETENTION_SECONDS = 600.0
FILES_SECONDS = 30.0
FILL_SECONDS = 0.25
"""Up to 4,000 messages a second, at a tenth of one core of Postgres, until all older ones can be found."""
CLOCK_SECONDS = 60.0
"""A scan of the conversations, 0.1 s of a million: how long one whose clock was ahead stays on top of the lists."""


@dataclass(frozen=True)
class Persistence:
    """What its routes are made of; everything in it runs until the context that gave it is left."""

    pool: Pool
    redis: RedisClient
    tasks: Tasks
    epoch: Epoch
    presence: PresenceReader
    sending: SendQueue
    delivery: Delivery
    memberships: MembershipAnnouncer
    receipts: ReceiptAnnouncer
    refusals: Refusals
    staff: Staff
    server: ServerApi | None
    ack_timeout_seconds: float
    tracing: Tracing
    rules: Rules
    limiter: RateLimiter
    quotas: Quotas
    file_rules: FileRules
    screening: Screening | None
    profile_changes: ProfileChanges


@asynccontextmanager
async def persistence(settings: Settings, stop: Stop, tracing: Tracing) -> AsyncIterator[Persistence]:
    """Opens Postgres and Redis and keeps publishing, relaying and taking receipts. Raises SettingError."""
    async with AsyncExitStack() as stack:
        url, redis_url = settings.database_url or "", settings.redis_url or ""
        prepared = settings.database_prepared_statements == "on"
        pool = await stack.enter_async_context(openings.database(url, size=settings.database_pool, prepared=prepared))
        redis = await stack.enter_async_context(openings.redis_client(redis_url, settings.redis_prefix))
        blocking = await stack.enter_async_context(
            openings.redis_client(redis_url, settings.redis_prefix, block_seconds=BLOCK_SECONDS)
        )
        tasks = await stack.enter_async_context(Tasks("persistence", stop))
        asked = await screening(settings, pool, stack)
        yield await _compose(settings, pool, redis, blocking, tasks, tracing, asked)


async def _compose(
    settings: Settings,
    pool: Pool,
    redis: RedisClient,
    blocking: RedisClient,
    tasks: Tasks,
    tracing: Tracing,
    asked: Screening | None,
) -> Persistence:
    points = openings.checkpoints()
    epoch = await _epoch(pool)
    refusals, staff = Refusals(pool), Staff(pool)
    refusals.listen(ROLES, staff.refresh)
    hooks = Hooks(pool)
    server = server_api(settings, pool, hooks, refusals, tasks)
    await refusals.refresh()
    presence = PresenceReader(redis, lambda: epoch.current)
    publisher = Publisher(redis)
    push_state = PushState(redis, presence, ack_timeout_seconds=settings.ack_timeout)
    followers, beginnings = [push_state.follow, search.follow, withdrawals.follow, hooks.follow], Beginnings(hooks)
    settling = Settling(pool, followers, points)
    delivery = Delivery(publisher, settling, epoch, tracing)
    memberships = MembershipAnnouncer(pool, delivery, beginnings.follow)
    minima = Minima(pool, redis, delivery)
    receipts = ReceiptAnnouncer(delivery, minima)
    sending = SendQueue(pool, delivery.logged, points)
    name = f"persistence-{new_id()}"
    for stream in (ReceiptsStream(blocking, name), ReceiptsStream(blocking, name, lambda: epoch.current)):
        tasks.spawn(ReceiptsConsumer(pool, stream, delivery, receipts, points).run(), name="receipts")
    tasks.spawn(sending.run(), name="send")
    tasks.spawn(publisher.run(), name="publish")
    tasks.spawn(settling.run(), name="settle")
    tasks.spawn(memberships.run(), name="settle_memberships")
    of_members = MembershipRelay(publisher, announcing.Overdue(epoch).announce, follow=beginnings.follow)
    relay = Relay(pool, [of_members, EventRelay(publisher, followers, epoch, points, tracing)])
    _repeat(tasks, pool, relay, PushMarker(pool, redis, push_state, epoch))
    worker = Worker(pool, Sender(pool, sending), delivery, rules_of(settings), points, asked)
    _watch_clock(tasks, Expiry(pool, delivery), worker)
    tasks.periodically(MINIMA_SECONDS, minima.tell, name="minima")
    tasks.periodically(REPEAT_SECONDS, receipts.repeat, name="receipts_again")
    profile_changes = ProfileChanges(pool, delivery)
    tasks.periodically(PROFILES_SECONDS, profile_changes.tell, name="profiles")
    tasks.periodically(REFUSALS_SECONDS, refusals.refresh, name="refusals")
    _moderate(tasks, pool, settings, sending)
    limiter = RateLimiter(redis, tasks)
    quotas = Quotas(
        limiter,
        settings.rate_limit_new_conversations,
        settings.rate_limit_new_people,
        settings.rate_limit_reports,
    )
    files = file_rules_of(settings)
    _collect(tasks, Collector(pool, grace_days=files.grace_days))
    return Persistence(
        pool=pool,
        redis=redis,
        tasks=tasks,
        epoch=epoch,
        presence=presence,
        sending=sending,
        delivery=delivery,
        memberships=memberships,
        receipts=receipts,
        refusals=refusals,
        staff=staff,
        server=server,
        ack_timeout_seconds=settings.ack_timeout,
        tracing=tracing,
        rules=rules_of(settings),
        limiter=limiter,
        quotas=quotas,
        file_rules=files,
        screening=asked,
        profile_changes=profile_changes,
    )


def _watch_clock(tasks: Tasks, expiry: Expiry, worker: Worker) -> None:
    tasks.periodically(EXPIRY_SECONDS, expiry.sweep, name="expiry")
    tasks.periodically(SCHEDULED_SECONDS, worker.turn, name="scheduled")


def _collect(tasks: Tasks, collector: Collector) -> None:
    tasks.periodically(FILES_SECONDS, collector.expire, name="files")
    tasks.periodically(SAMPLE_SECONDS, collector.sample, name="file_metrics")


def _repeat(tasks: Tasks, pool: Pool, relay: Relay, marker: PushMarker) -> None:
    tasks.periodically(RELAY_SECONDS, relay.sweep, name="relay")
    tasks.periodically(SAMPLE_SECONDS, relay.sample, name="outbox_metrics")
    tasks.periodically(MARKER_SECONDS, marker.check, name="push_marker")
    tasks.periodically(RETENTION_SECONDS, lambda: retention.sweep(pool), name="retention")
    tasks.periodically(FILL_SECONDS, Filler(pool).run, name="search_fill")
    tasks.periodically(CLOCK_SECONDS, lambda: clock.mend(pool), name="clock")


def _moderate(tasks: Tasks, pool: Pool, settings: Settings, sending: SendQueue) -> None:
    """What is kept for some days, how long the oldest report waits, and what was approved and not sent in time."""
    tasks.periodically(RETENTION_SECONDS, lambda: audit.sweep(pool, settings.audit_days), name="audit")
    tasks.periodically(RETENTION_SECONDS, lambda: upkeep.sweep(pool, settings.evidence_days), name="evidence")
    tasks.periodically(SAMPLE_SECONDS, lambda: upkeep.sample(pool), name="review_metrics")
    releaser = Releaser(pool, Sender(pool, sending), rules_of(settings))
    tasks.periodically(RELEASE_SECONDS, releaser.sweep, name="release")


async def _epoch(pool: Pool) -> Epoch:
    try:
        return await Epoch.read(pool)
    except asyncpg.UndefinedTableError:
        raise SettingError("the database has no tables yet: run `python -m services migrate`") from None
