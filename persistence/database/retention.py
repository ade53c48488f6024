"""What is kept for a while only: the push ledger, decisions, the history of cursors, ends of drafts, and refusals."""

from persistence.database.pool import Database, Query

BATCH = 5000
"""Rows a statement: a backlog of days must not hold a lock, or run into the query's timeout."""
MOST_BATCHES = 200
"""Of one table in one sweep; the next one goes on."""


def _expired(table: str, column: str, kept: str, only: str = "true") -> Query:
    return Query(
        f"expire_{table}",
        f"""
WITH gone AS (
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE {column} < now() - interval '{kept}' AND {only}
        LIMIT {BATCH} FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS n FROM gone
""",
    )


# The devices of a sign-in go with its revocation, in one statement: between the two a push would go out.
_EXPIRED_REFUSALS = Query(
    "expire_refusals",
    f"""
WITH gone AS (
    DELETE FROM refusals WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM refusals WHERE expires_at < now() LIMIT {BATCH} FOR UPDATE SKIP LOCKED))
    RETURNING subject
), ended AS (
    DELETE FROM devices d USING gone
    WHERE gone.subject LIKE 'session:%' AND d.session_id = substr(gone.subject, length('session:') + 1)
)
SELECT count(*) AS n FROM gone
""",
)

_EXPIRED = (
    # A push is tried for a day, its receipt is there for another; the rest is for those who ask what became of it.
    _expired("push_ledger", "created_at", "7 days"),
    _expired("push_decisions", "decided_at", "7 days"),
    _expired("cursor_moves", "moved_at", "2 days"),
    _expired("arrivals", "created_at", "1 day"),
    _expired("scheduled", "ended_at", "7 days"),
    # A phone that was away for longer may bring an old draft back.
    _expired("drafts", "updated_at", "30 days", "text IS NULL"),
    _EXPIRED_REFUSALS,
)


async def sweep(database: Database) -> int:
    """Deletes what is past its time; how many rows. Any number of processes may do so at once."""
    return sum([await _delete(database, query) for query in _EXPIRED])


async def _delete(database: Database, expired: Query) -> int:
    total = 0
    for _ in range(MOST_BATCHES):
        row = await expired.row(database)
        count = row["n"] if row else 0
        total += count
        if count < BATCH:
            break
    return total
