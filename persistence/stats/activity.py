"""On which days people were here: a bit a day, one write a user, day and process at most."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from persistence.database.pool import Database, Pool, Query

MONTHS_KEPT = 13
BATCH = 5000
WINDOWS = (1, 7, 30)
"""Days that make dau, wau and mau."""

# In the order of users, so that two processes never wait for each other in a circle.
_NOTE = Query(
    "note_activity",
    """
INSERT INTO activity AS a (month, user_id, days)
SELECT $1, id, $3 FROM unnest($2::uuid[]) AS w(id) ORDER BY id
ON CONFLICT (month, user_id) DO UPDATE SET days = a.days | excluded.days WHERE a.days & excluded.days = 0
""",
)

_EXPIRE = Query(
    "expire_activity",
    f"""
WITH gone AS (
    DELETE FROM activity WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM activity WHERE month < $1 LIMIT {BATCH} FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS n FROM gone
""",
)

_ACTIVE = Query(
    "count_active",
    """
SELECT count(DISTINCT a.user_id) FILTER (WHERE a.days & w.one <> 0) AS dau,
       count(DISTINCT a.user_id) FILTER (WHERE a.days & w.seven <> 0) AS wau,
       count(DISTINCT a.user_id) AS mau
FROM unnest($1::date[], $2::bigint[], $3::bigint[], $4::bigint[]) AS w(month, one, seven, thirty)
JOIN activity a ON a.month = w.month AND a.days & w.thirty <> 0
""",
    seconds=30.0,
)

# Who came that day for the first time: known since then, and here.
_RETAINED = Query(
    "count_retained",
    """
SELECT count(*) AS cohort, count(*) FILTER (WHERE (
    SELECT true FROM activity a WHERE a.month = $5 AND a.user_id = u.id AND a.days & $6::bigint <> 0)) AS retained
FROM users u JOIN activity f ON f.month = $3 AND f.user_id = u.id AND f.days & $4::bigint <> 0
WHERE u.created_at >= $1 AND u.created_at < $2
""",
    seconds=30.0,
)


Seen: TypeAlias = Callable[[str], None]
"""Hears of everybody who signs in or asks for anything."""


def nobody_notes(_: str) -> None:
    """Where who is here is not noted."""


class Active(NamedTuple):
    """People who were here: on the day, in the seven and the thirty days that end with it."""

    dau: int
    wau: int
    mau: int


class Activity:
    """Of one process. `seen` never waits; `flush` writes what is new."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._day = today()
        self._known: set[str] = set()
        self._new: dict[date, set[str]] = {}

    def seen(self, user_id: str) -> None:
        day = today()
        if day != self._day:
            self._day, self._known = day, set()
        if user_id not in self._known:
            self._known.add(user_id)
            self._new.setdefault(day, set()).add(user_id)

    async def flush(self) -> None:
        """To be called every few seconds, and at the end. Raises DATABASE_FAILURES; what was not written waits."""
        waiting, self._new = self._new, {}
        for day, users in list(waiting.items()):
            try:
                await note(self._pool, day, users)
            except BaseException:
                for later, kept in waiting.items():
                    self._new.setdefault(later, set()).update(kept)
                raise
            del waiting[day]


def today() -> date:
    return datetime.now(UTC).date()


def month_of(day: date) -> date:
    return day.replace(day=1)


def bit_of(day: date) -> int:
    return 1 << (day.day - 1)


async def note(database: Database, day: date, user_ids: Iterable[str]) -> None:
    """These were here on this day."""
    await _NOTE.rows(database, month_of(day), list(user_ids), bit_of(day))


async def active(database: Database, day: date) -> Active:
    masks: dict[date, list[int]] = {}
    for back in range(max(WINDOWS)):
        one = day - timedelta(days=back)
        mask = masks.setdefault(month_of(one), [0, 0, 0])
        for place, window in enumerate(WINDOWS):
            mask[place] |= bit_of(one) if back < window else 0
    row = await _ACTIVE.row(database, list(masks), *(list(column) for column in zip(*masks.values(), strict=True)))
    assert row is not None, "a count has a row"
    return Active(row["dau"], row["wau"], row["mau"])


async def retained(database: Database, cohort: date, day: date, minimum: int) -> float | None:
    """The share of those who came first on the day `cohort` who were here on `day`. None: they are too few."""
    begin = datetime(cohort.year, cohort.month, cohort.day, tzinfo=UTC)
    places = (month_of(cohort), bit_of(cohort), month_of(day), bit_of(day))
    row = await _RETAINED.row(database, begin, begin + timedelta(days=1), *places)
    assert row is not None, "a count has a row"
    return None if row["cohort"] < max(1, minimum) else row["retained"] / row["cohort"]


async def expire(database: Database) -> None:
    """Forgets the months that are past their time."""
    now = today()
    months = now.year * 12 + now.month - 1 - MONTHS_KEPT
    oldest = date(months // 12, months % 12 + 1, 1)
    while (row := await _EXPIRE.row(database, oldest)) is not None and row["n"] == BATCH:
        pass
