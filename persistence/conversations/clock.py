"""Conversations whose time lies in the future, because a clock was ahead and was corrected."""

from persistence.database.pool import Database, Query

BATCH = 1000
AHEAD_SECONDS = 5.0
"""Clocks of two servers may differ by so much: what is within it passes by itself."""

# One scan of a narrow table: updated_at is in no index, so that a send stays a heap-only update.
_MEND = Query(
    "mend_clock",
    f"""
WITH ahead AS (
    SELECT id FROM conversations WHERE updated_at > now() + interval '{AHEAD_SECONDS:g} s'
    LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED
), mended AS (
    UPDATE conversations c
    SET latest_at = greatest(c.latest_at, c.updated_at), updated_at = date_trunc('milliseconds', now())
    FROM ahead WHERE c.id = ahead.id RETURNING c.id
)
SELECT count(*) AS n FROM mended
""",
)


async def mend(database: Database) -> int:
    """Gives them the time of now as their place in the lists; their messages keep theirs, and the next ones do not fall
    behind these. How many there were; at most BATCH at once. A send mends its own conversation by itself."""
    row = await _MEND.row(database)
    return row["n"] if row else 0
