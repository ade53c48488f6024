"""Every route of persistence, given what they work on: services/ mounts them, alone or beside the gateway's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from persistence.attachments import routes as attachments
from persistence.attachments.avatars import wear
from persistence.attachments.collecting import Collector
from persistence.attachments.rules import DEFAULT_FILE_RULES, FileRules
from persistence.audit import routes as audit
from persistence.blocks import routes as blocks
from persistence.conversations import routes as conversations
from persistence.database import probe
from persistence.database.pool import DATABASE_FAILURES, Pool
from persistence.drafts import routes as drafts
from persistence.groups import routes as groups
from persistence.groups.telling import Telling
from persistence.internal import lookups, media, operators, push
from persistence.internal import trace as full_trace
from persistence.internal import webhooks as webhook_work
from persistence.invites import routes as invites
from persistence.keys import routes as keys
from persistence.keys.by_key import by_key
from persistence.log.delivery import Delivery
from persistence.marks import routes as marks
from persistence.members import routes as members
from persistence.members.announcer import MembershipAnnouncer
from persistence.messages import list_routes as messages
from persistence.messages import routes as one_message
from persistence.messages.queue import SendQueue
from persistence.messages.sender import Sender
from persistence.moderation import item_routes as items
from persistence.moderation import notice_routes as notices
from persistence.moderation import report_routes as reports
from persistence.moderation import routes as moderation
from persistence.moderation import slow_routes as slow
from persistence.moderation.telling import Teller, nobody
from persistence.profiles import routes as profiles
from persistence.profiles.changes import ProfileChanges
from persistence.push import device_routes as devices
from persistence.push import mute_routes as mute
from persistence.push import routes as notifications
from persistence.quotas import Quotas
from persistence.reactions import routes as reactions
from persistence.receipts import routes as receipts
from persistence.receipts.announcer import ReceiptAnnouncer
from persistence.rules import DEFAULT_RULES, Rules
from persistence.saved import routes as saved
from persistence.scheduled import routes as scheduled
from persistence.screening.releasing import Releaser
from persistence.screening.screening import Screening
from persistence.search import routes as search
from persistence.server import member_routes as server_members
from persistence.server import message_routes as server_messages
from persistence.server import people_routes as server_people
from persistence.server import room_routes as server_rooms
from persistence.stats import routes as stats
from persistence.stats.activity import Seen, nobody_notes
from persistence.sync import routes as sync
from persistence.trace import routes as trace
from persistence.typing import routes as typing
from persistence.unread import routes as unread
from persistence.users import presence_routes as presence
from persistence.users import store as users
from persistence.users.refusals import Refusals
from persistence.webhooks import delivery_routes as deliveries
from persistence.webhooks import routes as webhooks
from persistence.webhooks.notices import notices as notices_to_webhooks
from persistence.webhooks.observing import observed
from persistence.webhooks.parts import ServerParts
from shared.api import SessionUser
from shared.auth import Identity
from shared.http.endpoint import Endpoint
from shared.http.health import Health
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES, RedisClient
from shared.redis_work import RedisWork
from shared.tracing import Tracing

OUTAGES: tuple[type[Exception], ...] = (*DATABASE_FAILURES, *REDIS_FAILURES)
"""What a handler lets through while Postgres or Redis is away; answered 503."""


@dataclass(frozen=True)
class PersistenceDeps:
    """What the routes work on. All of it is opened, run and closed by who made it."""

    pool: Pool
    delivery: Delivery
    memberships: MembershipAnnouncer
    receipts: ReceiptAnnouncer
    queue: SendQueue
    presence: PresenceReader
    refusals: Refusals
    ack_timeout_seconds: float
    tracing: Tracing
    quotas: Quotas
    profile_changes: ProfileChanges
    rules: Rules = DEFAULT_RULES
    server: ServerParts | None = None
    """None: the app's own server has no API."""
    file_rules: FileRules = DEFAULT_FILE_RULES
    seen: Seen = nobody_notes
    screening: Screening | None = None

    @property
    def telling(self) -> Telling:
        return Telling(self.delivery, self.memberships, self.receipts)

    @property
    def collector(self) -> Collector:
        return Collector(self.pool, grace_days=self.file_rules.grace_days)


def endpoints(deps: PersistenceDeps) -> list[Endpoint]:
    """The routes for apps, `/health` not among them."""
    return [
        *conversations.endpoints(deps.pool, deps.memberships, deps.rules, deps.quotas),
        *members.endpoints(deps.pool),
        *groups.endpoints(deps.pool, deps.telling, deps.quotas, deps.rules.public_url),
        *invites.endpoints(deps.pool, deps.telling, deps.file_rules),
        *_told(deps, blocks.endpoints(deps.pool, deps.delivery, deps.memberships)),
        *_told(deps, reports.endpoints(deps.pool, deps.quotas)),
        *notices.endpoints(deps.pool),
        *attachments.endpoints(deps.pool, deps.file_rules),
        *messages.endpoints(deps.pool, deps.queue, deps.tracing, deps.rules, deps.screening),
        *receipts.endpoints(deps.pool, deps.receipts),
        *typing.endpoints(deps.pool, deps.delivery),
        *one_message.endpoints(deps.pool, deps.delivery, deps.rules, deps.screening),
        *reactions.endpoints(deps.pool, deps.delivery),
        *search.endpoints(deps.pool),
        *sync.endpoints(deps.pool),
        *presence.endpoints(deps.pool, deps.presence),
        *notifications.endpoints(deps.pool, deps.delivery),
        *devices.endpoints(deps.pool),
        *mute.endpoints(deps.pool),
        *account_endpoints(deps),
        *trace.endpoints(deps.pool, deps.ack_timeout_seconds),
        *staff_endpoints(deps),
        *(server_endpoints(deps, deps.server) if deps.server else ()),
    ]


def _told(deps: PersistenceDeps, routes: list[Endpoint]) -> list[Endpoint]:
    """The same, of which webhooks are told."""
    return observed(routes, deps.pool, deps.server.hooks) if deps.server else routes


def account_endpoints(deps: PersistenceDeps) -> list[Endpoint]:
    """The routes of one's own things."""
    return [
        *profiles.endpoints(deps.pool, deps.profile_changes, wear, deps.rules.public_url),
        *drafts.endpoints(deps.pool, deps.delivery),
        *saved.endpoints(deps.pool, deps.delivery),
        *scheduled.endpoints(deps.pool, deps.delivery, deps.rules),
        *marks.endpoints(deps.pool, deps.delivery),
        *unread.endpoints(deps.pool, deps.delivery, deps.receipts),
    ]


def staff_endpoints(deps: PersistenceDeps) -> list[Endpoint]:
    """The routes of moderators and admins: each has a `role`."""
    releaser = Releaser(deps.pool, Sender(deps.pool, deps.queue), deps.rules)
    note = notices_to_webhooks(deps.pool, deps.server.hooks) if deps.server else nobody
    teller = Teller(deps.delivery, deps.refusals, releaser, note)
    routes = [
        *audit.endpoints(deps.pool),
        *items.endpoints(deps.pool, teller),
        *moderation.endpoints(deps.pool, teller),
        *slow.endpoints(deps.pool, deps.telling, deps.rules),
    ]
    return _told(deps, routes)


def server_endpoints(deps: PersistenceDeps, server: ServerParts) -> list[Endpoint]:
    """The routes of the app's own server: each has a `scope`. What the staff may do, a key may too."""
    ground = webhooks.Ground(deps.pool, server.vault, server.allowed, deps.refusals.refresh)
    return [
        *webhooks.endpoints(ground),
        *deliveries.endpoints(deps.pool),
        *keys.endpoints(deps.pool, deps.refusals.refresh),
        *server_people.endpoints(deps.pool, deps.delivery, deps.presence, deps.refusals.refresh),
        *server_rooms.endpoints(deps.pool, deps.memberships, deps.rules),
        *server_members.endpoints(deps.pool, deps.telling, deps.rules),
        *server_messages.endpoints(deps.pool, deps.queue, deps.delivery, deps.rules, deps.screening),
        *stats.endpoints(deps.pool),
        *by_key(staff_endpoints(deps)),
    ]


def internal_endpoints(deps: PersistenceDeps) -> list[Endpoint]:
    """The routes for gateways, pushers and operators, on the internal port."""
    return [
        *lookups.endpoints(deps.pool, deps.memberships, deps.rules, deps.seen),
        *push.endpoints(deps.pool, deps.server.hooks if deps.server else None),
        *full_trace.endpoints(deps.pool),
        *media.endpoints(media.MediaRoutes(deps.pool, deps.delivery, deps.refusals, deps.collector)),
        *operators.endpoints(deps.pool, deps.delivery, deps.presence, deps.refusals),
        *webhook_work.endpoints(deps.pool, deps.server, deps.refusals.refresh),
    ]


def health(pool: Pool, redis: RedisClient) -> Health:
    """Persistence serves while Postgres takes writes; without a Redis that works it is degraded."""
    work = RedisWork(redis)
    outages: tuple[type[Exception], ...] = (
        *OUTAGES,
        asyncpg.PostgresError,
    )  # a role that may not write is no less away
    vital, helpful = {"postgres": lambda: probe.write(pool)}, {"redis": work.check}
    return Health("persistence", vital=vital, helpful=helpful, outages=outages)


def remember_in(pool: Pool, rules: Rules = DEFAULT_RULES) -> Callable[[Identity], Awaitable[None]]:
    """For `UserGate`: makes whoever signs in a user with the names and the picture of their token."""

    async def remember(user: Identity) -> None:
        await users.remember(pool, [SessionUser.of(user.user_id, user.profile)], renames=rules.renames)

    return remember
