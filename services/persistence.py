"""The composition root of a persistence process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from persistence.attachments.collecting import Collector
from persistence.attachments.rules import FileRules, file_rules_of
from persistence.audit import store as audit
from persistence.conversations import clock
from persistence.database import retention
from persistence.database.pool import Pool
from persistence.log.delivery import Delivery
from persistence.log.epoch import Epoch
from persistence.members.announcer import MembershipAnnouncer
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
from persistence.receipts.consumer import BLOCK_SECONDS
from persistence.rules import Rules, rules_of
from persistence.scheduled.worker import Worker
from persistence.screening.releasing import Releaser
from persistence.screening.screening import Screening
from persistence.search import rows as search
from persistence.search.filling import Filler
from persistence.staff.staff import Staff
from persistence.staff.store import ROLES
from persistence.stats.activity import Seen, nobody_notes
from persistence.stats.filling import Rules as StatsRules
from persistence.users.refusals import Refusals
from persistence.webhooks.beginnings import Beginnings
from persistence.webhooks.endings import endings
from persistence.webhooks.noting import Hooks
from persistence.webhooks.presence import PresenceNews
from services import openings
from services.delivering import SAMPLE_SECONDS, Ground, delivering
from services.numbers import keep_numbers, noted_activity
from services.screening import screening
from services.server_api import ServerApi, server_api
from shared.lifecycle import Stop, Tasks
from shared.limits import RateLimiter
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.settings import SettingError, Settings
from shared.tracing import Tracing

MARKER_SECONDS = 1.0
PROFILES_SECONDS = 0.5
REFUSALS_SECONDS = 1.0
PROBE_SECONDS = 1.0
"""Also where nobody asks for readiness: it is the probe that finds the sessions of a server that became read-only."""
EXPIRY_SECONDS = 1.0
"""A look into an index that is empty where nothing ever expires."""
RELEASE_SECONDS = 5.0
SCHEDULED_SECONDS = 1.0
NEWS_SECONDS = 1.0
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
    seen: Seen = nobody_notes


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
        activity = await stack.enter_async_context(noted_activity(pool))
        tasks = await stack.enter_async_context(Tasks("persistence", stop))
        keep_numbers(tasks, pool, activity, StatsRules(settings.analytics_min))
        points, epoch = openings.checkpoints(), await _epoch(pool)
        ground = Ground(settings, pool, redis, blocking, tasks, tracing, epoch, points)
        made = await _compose(ground, await screening(settings, pool, stack))
        yield replace(made, seen=activity.seen)


async def _compose(ground: Ground, asked: Screening | None) -> Persistence:
    settings, pool, redis, tasks, epoch = ground.settings, ground.pool, ground.redis, ground.tasks, ground.epoch
    refusals, staff, hooks = Refusals(pool), Staff(pool), Hooks(pool)
    refusals.listen(ROLES, staff.refresh)
    server = server_api(settings, pool, hooks, refusals, tasks)
    await refusals.refresh()
    presence = PresenceReader(redis, lambda: epoch.current)
    tasks.periodically(NEWS_SECONDS, PresenceNews(pool, redis, presence, hooks).turn, name="presence_news")
    push_state = PushState(redis, presence, ack_timeout_seconds=settings.ack_timeout)
    followers = [push_state.follow, search.follow, withdrawals.follow, hooks.follow]
    told = delivering(ground, followers, Beginnings(hooks))
    rules, files, sender = rules_of(settings), file_rules_of(settings), Sender(pool, told.sending)
    profile_changes = ProfileChanges(pool, told.delivery)
    _repeat(tasks, pool, refusals, PushMarker(pool, redis, push_state, epoch), profile_changes)
    worker = Worker(pool, sender, told.delivery, rules, ground.points, asked)
    _watch_clock(tasks, Expiry(pool, told.delivery, endings(hooks)), worker)
    _moderate(tasks, pool, settings, Releaser(pool, sender, rules))
    _collect(tasks, Collector(pool, grace_days=files.grace_days))
    limiter = RateLimiter(redis, tasks)
    return Persistence(
        pool=pool,
        redis=redis,
        tasks=tasks,
        epoch=epoch,
        presence=presence,
        sending=told.sending,
        delivery=told.delivery,
        memberships=told.memberships,
        receipts=told.receipts,
        refusals=refusals,
        staff=staff,
        server=server,
        ack_timeout_seconds=settings.ack_timeout,
        tracing=ground.tracing,
        rules=rules,
        limiter=limiter,
        quotas=_quotas(limiter, settings),
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


def _quotas(limiter: RateLimiter, settings: Settings) -> Quotas:
    return Quotas(
        limiter,
        settings.rate_limit_new_conversations,
        settings.rate_limit_new_people,
        settings.rate_limit_reports,
    )


def _repeat(tasks: Tasks, pool: Pool, refusals: Refusals, marker: PushMarker, profiles: ProfileChanges) -> None:
    tasks.periodically(REFUSALS_SECONDS, refusals.refresh, name="refusals")
    tasks.periodically(PROFILES_SECONDS, profiles.tell, name="profiles")
    tasks.periodically(MARKER_SECONDS, marker.check, name="push_marker")
    tasks.periodically(RETENTION_SECONDS, lambda: retention.sweep(pool), name="retention")
    tasks.periodically(FILL_SECONDS, Filler(pool).run, name="search_fill")
    tasks.periodically(CLOCK_SECONDS, lambda: clock.mend(pool), name="clock")


def _moderate(tasks: Tasks, pool: Pool, settings: Settings, releaser: Releaser) -> None:
    """What is kept for some days, how long the oldest report waits, and what was approved and not sent in time."""
    tasks.periodically(RETENTION_SECONDS, lambda: audit.sweep(pool, settings.audit_days), name="audit")
    tasks.periodically(RETENTION_SECONDS, lambda: upkeep.sweep(pool, settings.evidence_days), name="evidence")
    tasks.periodically(SAMPLE_SECONDS, lambda: upkeep.sample(pool), name="review_metrics")
    tasks.periodically(RELEASE_SECONDS, releaser.sweep, name="release")


async def _epoch(pool: Pool) -> Epoch:
    try:
        return await Epoch.read(pool)
    except asyncpg.UndefinedTableError:
        raise SettingError("the database has no tables yet: run `python -m services migrate`") from None
