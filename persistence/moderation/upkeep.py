"""How much waits for a moderator, for how long, and what is forgotten after a while."""

from prometheus_client import Gauge

from persistence.database.pool import Database, Pool, Query
from persistence.screening import held

OPEN = Gauge("parley_persistence_review_open", "Items of the review queue that nobody decided on.")
OLDEST_SECONDS = Gauge(
    "parley_persistence_review_oldest_seconds",
    "Age of the oldest item of the review queue that nobody decided on; 0 where there is none.",
)
BATCH = 500

_BACKLOG = Query(
    "review_backlog",
    """
SELECT count(*) AS open, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest
FROM review_items WHERE resolved_at IS NULL
""",
)
_EXPIRE = Query(
    "expire_evidence",
    f"""
WITH gone AS (
    DELETE FROM review_items WHERE id = ANY (ARRAY(
        SELECT id FROM review_items WHERE resolved_at < now() - make_interval(days => $1)
        LIMIT {BATCH} FOR UPDATE SKIP LOCKED))
    RETURNING id
), forgotten AS (
    DELETE FROM reports r USING gone WHERE r.item_id = gone.id
)
SELECT count(*) AS n FROM gone
""",
)


async def sample(database: Database) -> None:
    """Reads the backlog into the metrics. Raises DATABASE_FAILURES."""
    row = await _BACKLOG.row(database)
    assert row is not None, "a count has a row"
    OPEN.set(row["open"])
    OLDEST_SECONDS.set(max(0.0, row["oldest"]))


async def sweep(pool: Pool, days: int) -> int:
    """Forgets items that were decided on more than so many days ago, with their evidence and their reports; how many.
    Any number of processes may do so at once."""
    await held.expire(pool, days)
    total = 0
    while True:
        row = await _EXPIRE.row(pool, days)
        count = row["n"] if row else 0
        total += count
        if count < BATCH:
            return total
