"""Reading the numbers."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from persistence.database.pool import Database, Query
from persistence.database.view import View
from shared.clock import iso

MOST_POINTS = 1000
"""Of one metric in one answer: the newest."""

_READ = """
SELECT metric, at, value FROM unnest($1::text[]) AS w(name) CROSS JOIN LATERAL (
    SELECT metric, {column}{cast} AS at, value FROM {table}
    WHERE metric = w.name AND {column} >= {begin} AND {column} < {end}
    ORDER BY {column} DESC LIMIT $4) AS newest
ORDER BY metric, at
"""

_HOURLY = Query("read_stats_hourly", _READ.format(table="stats_hourly", column="hour", cast="", begin="$2", end="$3"))
_DAY = "({} AT TIME ZONE 'UTC')"
"""In it a date is compared as its first moment."""
_DAILY = Query(
    "read_stats_daily",
    _READ.format(
        table="stats_daily",
        column="day",
        cast="::timestamp AT TIME ZONE 'UTC'",
        begin=_DAY.format("$2::timestamptz"),
        end=_DAY.format("$3::timestamptz"),
    ),
)


class Point(View, frozen=True):
    """`at` is when the hour or the day begins."""

    at: str
    value: float


class Span(NamedTuple):
    """From its beginning until before its end."""

    begin: datetime
    end: datetime


async def read(database: Database, metrics: Sequence[str], span: Span, *, by_hour: bool) -> dict[str, list[Point]]:
    """Oldest first. A metric of which there is no number has an empty list."""
    found: dict[str, list[Point]] = defaultdict(list, {name: [] for name in metrics})
    for row in await (_HOURLY if by_hour else _DAILY).rows(database, metrics, *span, MOST_POINTS):
        found[row["metric"]].append(Point(iso(row["at"]), row["value"]))
    return dict(found)
