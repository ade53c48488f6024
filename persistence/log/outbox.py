"""Durable events that may not have been published yet: noted with the event itself, forgotten after its publication."""

from collections.abc import Sequence
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Query, columns
from persistence.log.rows import KNOWN

STUCK_SECONDS = 10
MOST_LOOKED_AT = 10_000
"""Of the old ones, in a look for those that are stuck: the backlog of an outage is longer, and not stuck."""

# What a relay cannot read, because its kind is of a later release, would else fill every batch in front of what it can.
# No EXISTS: Postgres may answer that by hashing all messages.
_PUBLISHABLE = f"""(
    (SELECT true FROM messages m WHERE m.conversation_id = o.conversation_id AND m.seq = o.seq) IS NOT NULL
    OR (SELECT true FROM events e WHERE e.conversation_id = o.conversation_id AND e.seq = o.seq
            AND e.kind IN ({", ".join(map(str, KNOWN))})) IS NOT NULL
    OR (SELECT true FROM conversations c WHERE c.id = o.conversation_id) IS NULL
)"""

_OVERDUE = Query(
    "overdue_events",
    f"""
SELECT o.conversation_id, o.seq, o.span FROM outbox o
WHERE o.created_at < now() - make_interval(secs => $1) AND {_PUBLISHABLE}
ORDER BY o.conversation_id, o.seq LIMIT $2 FOR UPDATE OF o SKIP LOCKED
""",
)

# Skips what a relay holds at this moment: it publishes that again, and removes it. By ctid, which nobody changes of a
# row that is locked and never updated: whatever Postgres believes of this table (often that it is empty), the locks are
# taken once. As a join, it took them anew for each row of the table, which with a thousand rows is most of a minute.
_SETTLE = Query(
    "settle_events",
    """
DELETE FROM outbox WHERE ctid = ANY (ARRAY(
    SELECT held.ctid FROM unnest($1::uuid[], $2::bigint[]) AS w(conversation_id, seq) CROSS JOIN LATERAL (
        SELECT o.ctid FROM outbox o WHERE o.conversation_id = w.conversation_id AND o.seq = w.seq
        FOR UPDATE SKIP LOCKED
    ) AS held
))
""",
)

_BACKLOG = Query(
    "outbox_backlog",
    f"""
SELECT count(*) AS pending, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS age_seconds,
       (SELECT count(*) FROM (
            SELECT * FROM outbox WHERE created_at < now() - interval '{STUCK_SECONDS} s' LIMIT {MOST_LOOKED_AT}
        ) AS o WHERE NOT {_PUBLISHABLE}) AS stuck
FROM (SELECT created_at FROM outbox UNION ALL SELECT created_at FROM user_outbox) AS waiting
""",
)


class Backlog(NamedTuple):
    """How many changes wait in both outboxes, for how long the oldest has, and how many of the events nobody of this
    release can publish: their kind is of a later one, or their row is missing."""

    pending: int
    age_seconds: float
    stuck: int


class Overdue(NamedTuple):
    """An event of a conversation; `span`: the context below which it is traced, if it is."""

    conversation_id: str
    seq: int
    span: bytes | None


async def overdue(connection: Connection, older_than_seconds: float, limit: int) -> list[Overdue]:
    """Events that nobody settled in time, in order, held by this transaction.

    Those that another one holds, and those that this release cannot read, are left out. An event is in here from its
    commit on, and never by its age alone: rows that commit late have an old time and are found all the same.
    """
    rows = await _OVERDUE.rows(connection, older_than_seconds, limit)
    return [Overdue(row["conversation_id"], row["seq"], row["span"]) for row in rows]


async def settle(database: Database, events: Sequence[tuple[str, int]]) -> None:
    """Forgets these (conversation, seq): they were published, and their push state is written."""
    await _SETTLE.rows(database, *columns(events, 2))


async def backlog(database: Database) -> Backlog:
    row = await _BACKLOG.row(database)
    assert row is not None, "an aggregate has a row"
    return Backlog(row["pending"], max(row["age_seconds"], 0.0), row["stuck"])
