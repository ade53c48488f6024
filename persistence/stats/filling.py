"""Computes the hours and days that are over: by one process at a time, each in a transaction of its own.

Each is computed soon after its end, and once more a day later, for what was committed late or erased since. It replaces
what was computed before, so a repeat, an interruption, or two processes at once leave the same numbers. Hours and days
are those of UTC: no clock change moves them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from prometheus_client import Gauge

from persistence.database.pool import Connection, Database, Pool, Query, columns, transaction
from persistence.stats import activity
from persistence.stats.definitions import DEFINITIONS, Definition

log = structlog.get_logger()

LAG_SECONDS = Gauge("parley_persistence_stats_lag_seconds", "Age of the oldest hour or day that waits to be computed.")

DELAY = timedelta(minutes=5)
"""After its end: what was sent in it is committed by then."""
AGAIN = timedelta(hours=24)
"""After that, it is computed anew."""
RETENTION_DAYS = (1, 7, 30)
MOST_AT_ONCE = 48
"""Of one call; the next one goes on."""

_LOCK = Query("stats_lock", "SELECT pg_try_advisory_xact_lock(hashtextextended('parley stats', 0)) AS mine")

# From the first hour in which there was anybody, or a conversation that was brought in. What was computed too early to
# be the last word is due again. Steps are of hours: a day of the session's time zone may have 23.
_DUE = {
    step: Query(
        f"stats_due_{step}",
        f"""
WITH first AS (
    SELECT least((SELECT min(created_at) FROM users), (SELECT min(created_at) FROM conversations)) AS at
)
SELECT w.at FROM first CROSS JOIN LATERAL generate_series(
    date_trunc('{step}', first.at, 'UTC'), $1::timestamptz - $2::interval, '{hours} hours'
) AS w(at) LEFT JOIN stats_filled f ON f.step = '{step}' AND f.at = w.at
WHERE f.at IS NULL OR (f.filled_at < w.at + $2::interval + $3::interval
    AND $1 >= w.at + $2::interval + $3::interval)
ORDER BY w.at LIMIT $4
""",
    )
    for step, hours in (("hour", 1), ("day", 24))
}

_NOTE = Query(
    "stats_filled",
    """
INSERT INTO stats_filled (step, at, filled_at) VALUES ($1, $2, $3)
ON CONFLICT (step, at) DO UPDATE SET filled_at = excluded.filled_at
""",
)

_REOPEN = Query("stats_reopen", "DELETE FROM stats_filled WHERE at >= $1 AND at < $2")


class Step(NamedTuple):
    """An hour or a day: how long, and where its numbers stand."""

    name: str
    length: timedelta
    clear: Query
    write: Query


def _step(name: str, length: timedelta, table: str, column: str, kind: str) -> Step:
    at = f"($1::timestamptz AT TIME ZONE 'UTC')::{kind}" if kind == "date" else "$1::timestamptz"
    clear = f"DELETE FROM {table} WHERE {column} = {at} AND metric = ANY ($2::text[])"
    write = f"INSERT INTO {table} ({column}, metric, value) SELECT {at}, * FROM unnest($2::text[], $3::float8[])"
    return Step(name, length, Query(f"clear_{table}", clear), Query(f"write_{table}", write))


HOUR = _step("hour", timedelta(hours=1), "stats_hourly", "hour", "timestamptz")
DAY = _step("day", timedelta(days=1), "stats_daily", "day", "date")


class Rules(NamedTuple):
    """`minimum`: of people or observations, for which a share or a median stands."""

    minimum: int = 5


async def fill(pool: Pool, rules: Rules, now: datetime | None = None, limit: int = MOST_AT_ONCE) -> int:
    """Computes what is due at `now`, the oldest first; how many hours and days that was. Raises DATABASE_FAILURES."""
    now = now or datetime.now(UTC)
    filled = 0
    for step in (HOUR, DAY):
        waiting = await due(pool, step, now, limit)
        LAG_SECONDS.set((now - waiting[0]).total_seconds() if waiting else 0)
        for at in waiting:
            if not await fill_one(pool, step, at, rules, now):
                return filled
            filled += 1
    return filled


async def due(database: Database, step: Step, now: datetime, limit: int) -> list[datetime]:
    rows = await _DUE[step.name].rows(database, now, step.length + DELAY, AGAIN, limit)
    return [row["at"] for row in rows]


async def reopen(database: Database, begin: datetime, end: datetime) -> None:
    """Has the hours and days that begin in this time computed anew."""
    await _REOPEN.rows(database, begin, end)


async def fill_one(pool: Pool, step: Step, at: datetime, rules: Rules, now: datetime) -> bool:
    """False: another process is at it."""
    async with transaction(pool) as connection:
        row = await _LOCK.row(connection)
        if row is None or not row["mine"]:
            return False
        for definition in DEFINITIONS:
            if definition.kept is None or now - at < definition.kept:
                await _compute(connection, step, at, definition, rules)
        if step is DAY:
            await _people(connection, at, rules)
        await _NOTE.rows(connection, step.name, at, now)
    log.debug("numbers computed", step=step.name, at=at.isoformat())
    return True


async def _compute(connection: Connection, step: Step, at: datetime, definition: Definition, rules: Rules) -> None:
    minimum = (rules.minimum,) if definition.takes_minimum else ()
    row = await definition.query.row(connection, at, at + step.length, *minimum)
    assert row is not None, "an aggregate has a row"
    await _replace(connection, step, at, [(name, row[name]) for name in definition.names])


async def _people(connection: Connection, at: datetime, rules: Rules) -> None:
    """Who was here that day; and how many came back that day, told of the day on which they came first."""
    day = at.astimezone(UTC).date()
    counts = await activity.active(connection, day)
    await _replace(connection, DAY, at, list(counts._asdict().items()))
    for days in RETENTION_DAYS:
        share = await activity.retained(connection, day - timedelta(days=days), day, rules.minimum)
        await _replace(connection, DAY, at - timedelta(days=days), [(f"retention_d{days}", share)])


async def _replace(connection: Connection, step: Step, at: datetime, numbers: Sequence[tuple[str, Any]]) -> None:
    await step.clear.rows(connection, at, [name for name, _ in numbers])
    known = [(name, float(value)) for name, value in numbers if value is not None]
    await step.write.rows(connection, at, *columns(known, 2))
