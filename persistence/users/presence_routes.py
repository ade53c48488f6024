"""`/api/presence`: who is online, and when the others were last."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime

import structlog

from persistence.database.pool import Pool
from persistence.users import store as users
from persistence.users.shapes import PresenceAnswer, PresenceQuery, PresenceView
from shared.clock import iso, iso_or_none
from shared.http.cost import Cost
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.metrics import ERRORS
from shared.presence import PresenceReader
from shared.redis import REDIS_FAILURES

log = structlog.get_logger()

PRESENCE_SECONDS = 0.1
"""A request waits no longer for a Redis that is away: then nobody is known to be online, nor to be offline."""


class Presence:
    """The handler."""

    def __init__(self, pool: Pool, reader: PresenceReader) -> None:
        self._pool = pool
        self._reader = reader

    async def answer(self, call: Call[Nothing, PresenceQuery]) -> PresenceAnswer:
        asked = list(dict.fromkeys(one.strip().lower() for one in call.query.user_ids.split(",") if one.strip()))
        shared = await users.share_conversation(self._pool, call.user_id, asked)
        told = [one for one in asked if one in shared]
        known = await self._in_redis(told)
        if known is None:
            return PresenceAnswer([], unknown=told)
        online, left_at = known
        last_seen = await users.last_seen(self._pool, await self._open_to(call.user_id, shared))
        views = [
            PresenceView(one, one in online, later(last_seen[one], left_at.get(one)) if one in last_seen else None)
            for one in told
        ]
        return PresenceAnswer(views, unknown=[])

    async def _open_to(self, user_id: str, people: Collection[str]) -> list[str]:
        """Those who show when they were last here; nobody does to who does not show it themselves."""
        discreet = await users.discreet(self._pool, {user_id, *people})
        return [] if user_id in discreet else [one for one in people if one not in discreet]

    async def _in_redis(self, user_ids: Collection[str]) -> tuple[set[str], dict[str, int]] | None:
        """Who is online, then who left lately: so that whoever is not among the first is among the second. None where
        Redis does not tell in time."""
        try:
            async with asyncio.timeout(PRESENCE_SECONDS):
                return await self._reader.online(user_ids), await self._reader.left_at(user_ids)
        except REDIS_FAILURES as error:
            ERRORS.labels("persistence", "presence").inc()
            log.warning("presence is not known", error=f"{type(error).__name__}: {error}")
            return None


def later(in_postgres: datetime | None, in_redis_ms: int | None) -> str | None:
    """What Redis knows of the last minutes may not have come to Postgres yet."""
    if in_redis_ms is None:
        return iso_or_none(in_postgres)
    in_redis = datetime.fromtimestamp(in_redis_ms / 1000, UTC)
    return iso(in_redis if in_postgres is None else max(in_postgres, in_redis))


def endpoints(pool: Pool, reader: PresenceReader) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/presence",
            name="getPresence",
            handler=Presence(pool, reader).answer,
            summary="Who is online",
            description="Of people who share a conversation with the caller; others are left out. Who is `unknown` may"
            " be either: ask again in a moment. `lastSeenAt` is null also of whose preference `last_seen` is `nobody`,"
            " and of all where the caller's is.",
            tag="presence",
            query=PresenceQuery,
            cost=Cost(lambda _, query: query.user_ids.count(",") - 49, per=50),
            response=PresenceAnswer,
        )
    ]
