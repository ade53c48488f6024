"""The audit log's rows. A feature notes what it does in the transaction that does it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from persistence.audit.shapes import AuditEntry
from persistence.database.pool import Database, Pool, Query, Row, transaction
from shared.auth.caller import Actor
from shared.clock import iso

BATCH = 5000
MOST_BATCHES = 20

_NOTE = Query(
    "audit_note",
    """
INSERT INTO audit_log (actor_kind, actor, act_as, action, subject_kind, subject, reason, request_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
""",
)

_PAGE = Query(
    "audit_page",
    """
SELECT id, at, actor_kind, actor, act_as, action, subject_kind, subject, reason, request_id, details FROM audit_log
WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR action = $3)
    AND id < $4 ORDER BY id DESC LIMIT $5
""",
)

_ALLOW = Query("audit_retention", "SET LOCAL parley.audit_retention = 'on'")
_EXPIRE = Query(
    "expire_audit",
    f"""
WITH gone AS (
    DELETE FROM audit_log WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM audit_log WHERE at < now() - make_interval(days => $1) LIMIT {BATCH} FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS n FROM gone
""",
)

END = 2**63 - 1
"""Above every entry."""


class Entry(NamedTuple):
    """`action` is a verb and its object, such as `role.grant`; `subject` is an id, or a name where there is none. No
    message's text, and no secret, ever stands in `details`."""

    action: str
    subject_kind: str
    subject: str
    reason: str | None = None
    details: dict[str, Any] | None = None


class AuditPage(NamedTuple):
    entries: list[AuditEntry]
    next: int | None


async def note(database: Database, actor: Actor, entry: Entry, request_id: str | None = None) -> None:
    """In the transaction of what it tells of: neither is there without the other."""
    details = None if entry.details is None else msgspec.json.encode(entry.details).decode()
    told = (entry.action, entry.subject_kind, entry.subject, entry.reason, request_id, details)
    await _NOTE.rows(database, actor.kind, actor.id, actor.act_as, *told)


async def page(
    database: Database,
    *,
    actor: str | None = None,
    subject: str | None = None,
    action: str | None = None,
    before: int = END,
    limit: int,
) -> AuditPage:
    """The newest first, below `before`."""
    rows = await _PAGE.rows(database, actor, subject, action, before, limit + 1)
    return AuditPage([_entry(row) for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None)


def _entry(row: Row) -> AuditEntry:
    told = {name: row[name] for name in _TOLD}
    details = None if row["details"] is None else msgspec.Raw(row["details"].encode())
    return AuditEntry(id=str(row["id"]), at=iso(row["at"]), details=details, **told)


_TOLD: Sequence[str] = (
    "actor_kind",
    "actor",
    "act_as",
    "action",
    "subject_kind",
    "subject",
    "reason",
    "request_id",
)


async def sweep(pool: Pool, days: int) -> int:
    """Deletes entries older than so many days; how many. Any number of processes may do so at once."""
    total = 0
    for _ in range(MOST_BATCHES):
        async with transaction(pool) as connection:
            await _ALLOW.rows(connection)
            row = await _EXPIRE.row(connection, days)
        count = row["n"] if row else 0
        total += count
        if count < BATCH:
            break
    return total
