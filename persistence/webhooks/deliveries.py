"""The log of deliveries: reading it, sending again, a test, and what is past its time."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from prometheus_client import Gauge

from persistence.database.pool import Database, Query, Row
from persistence.webhooks.types import TEST
from persistence.webhooks.views import DeliveryView
from shared.clock import iso, now_iso
from shared.ids import new_id
from shared.wire import NOBODY_ID

PENDING = Gauge("parley_webhooks_pending", "Deliveries that wait, for endpoints that are active.")
OLDEST = Gauge("parley_webhooks_oldest_seconds", "How late the delivery is that is due longest; 0 where none is.")
ENDPOINTS = Gauge(
    "parley_webhooks_endpoints", "Endpoints: active ones that work or fail, and disabled ones.", ["state"]
)
FAILING = Gauge("parley_webhooks_failing_seconds", "How long the endpoint that fails longest does; 0 where none does.")

KEPT_DAYS = 7
BATCH = 5000
MOST_REPLAYED = 100_000

_PAGE = Query(
    "hook_deliveries",
    """
SELECT conversation_id, event_id, type, seq, state, attempts, due_at, last_status, last_error, answer, ms, created_at
FROM hook_deliveries
WHERE webhook_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::timestamptz IS NULL OR created_at >= $3)
    AND ($4::timestamptz IS NULL OR (created_at, event_id) < ($4, $5::uuid))
ORDER BY created_at DESC, event_id DESC LIMIT $6
""",
)

_REPLAY = Query(
    "hooks_replay",
    f"""
WITH chosen AS (
    SELECT conversation_id, event_id, webhook_id FROM hook_deliveries
    WHERE webhook_id = $1 AND type <> '{TEST}' AND (
        CASE WHEN $2::uuid[] IS NOT NULL THEN event_id = ANY ($2)
        ELSE created_at >= $3 AND ($4::timestamptz IS NULL OR created_at < $4) AND ($5 OR state = 'failed') END)
    ORDER BY conversation_id, event_id LIMIT {MOST_REPLAYED} FOR UPDATE
), again AS (
    UPDATE hook_deliveries d
    SET state = 'waiting', attempts = 0, due_at = now(), lease_until = NULL, last_error = NULL, last_status = NULL
    FROM chosen c
    WHERE d.conversation_id = c.conversation_id AND d.event_id = c.event_id AND d.webhook_id = c.webhook_id
    RETURNING 1
)
SELECT count(*) AS n FROM again
""",
)

_TEST = Query(
    "hooks_test",
    """
INSERT INTO hook_deliveries (conversation_id, event_id, webhook_id, type, at, due_at, payload)
SELECT $1, $2, w.id, $4, now(), now() - interval '1 hour', $5 FROM webhooks w WHERE w.id = $3 AND w.is_active
RETURNING event_id
""",
)
_ONE = Query(
    "hook_delivery",
    """
SELECT conversation_id, event_id, type, seq, state, attempts, due_at, last_status, last_error, answer, ms, created_at
FROM hook_deliveries WHERE conversation_id = $1 AND event_id = $2 AND webhook_id = $3
""",
)
_EXPIRE = Query(
    "expire_hook_deliveries",
    f"""
WITH gone AS (
    DELETE FROM hook_deliveries WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM hook_deliveries WHERE created_at < now() - interval '{KEPT_DAYS} days'
        LIMIT {BATCH} FOR UPDATE SKIP LOCKED))
    RETURNING 1
)
SELECT count(*) AS n FROM gone
""",
)
_SAMPLE = Query(
    "hooks_sample",
    """
SELECT (SELECT count(*) FROM hook_deliveries d JOIN webhooks w ON w.id = d.webhook_id AND w.is_active
        WHERE d.state = 'waiting') AS pending,
       coalesce((SELECT extract(epoch FROM now() - min(d.due_at)) FROM hook_deliveries d
        JOIN webhooks w ON w.id = d.webhook_id AND w.is_active WHERE d.state = 'waiting'), 0)::float8 AS oldest,
       (SELECT count(*) FROM webhooks WHERE is_active AND failing_since IS NULL) AS working,
       (SELECT count(*) FROM webhooks WHERE is_active AND failing_since IS NOT NULL) AS failing,
       (SELECT count(*) FROM webhooks WHERE NOT is_active) AS disabled,
       coalesce((SELECT extract(epoch FROM now() - min(failing_since)) FROM webhooks WHERE is_active), 0)::float8
           AS failing_seconds
""",
)


class Place(NamedTuple):
    """Below which a page of deliveries begins."""

    created_at: datetime
    event_id: str


class DeliveryPage(NamedTuple):
    deliveries: list[DeliveryView]
    next: Place | None


class Choice(NamedTuple):
    """Which deliveries are to be sent again: these `ids`, or those since a time, all or only the failed."""

    ids: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    all_states: bool = False


async def page(
    database: Database,
    webhook_id: str,
    *,
    state: str | None,
    since: datetime | None,
    under: Place | None,
    limit: int,
) -> DeliveryPage:
    """The newest first."""
    rows = await _PAGE.rows(database, webhook_id, state, since, *(under or (None, None)), limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return DeliveryPage(
        [_view(row) for row in rows[:limit]], Place(last["created_at"], last["event_id"]) if last else None
    )


async def replay(database: Database, webhook_id: str, choice: Choice) -> int:
    """How many are to be sent again, under the same ids; at most MOST_REPLAYED."""
    ids = None if choice.ids is None else list(choice.ids)
    row = await _REPLAY.row(database, webhook_id, ids, choice.since, choice.until, choice.all_states)
    return row["n"] if row else 0


async def begin_test(database: Database, webhook_id: str) -> str | None:
    """The event id of a test that waits in front of all others; None where the webhook is not there, or disabled."""
    event_id = new_id()
    payload = msgspec.json.encode({"type": TEST, "timestamp": now_iso(), "data": {"webhookId": webhook_id}}).decode()
    row = await _TEST.row(database, NOBODY_ID, event_id, webhook_id, TEST, payload)
    return None if row is None else event_id


async def outcome_of_test(database: Database, webhook_id: str, event_id: str) -> DeliveryView | None:
    row = await _ONE.row(database, NOBODY_ID, event_id, webhook_id)
    return None if row is None else _view(row)


async def sweep(database: Database) -> int:
    """Deletes what is past its time, a batch; how many."""
    row = await _EXPIRE.row(database)
    return row["n"] if row else 0


async def sample(database: Database) -> None:
    """Reads the backlog into the metrics. Raises DATABASE_FAILURES."""
    row = await _SAMPLE.row(database)
    assert row is not None, "a SELECT without FROM has one row"
    PENDING.set(row["pending"])
    OLDEST.set(max(row["oldest"], 0.0))
    FAILING.set(row["failing_seconds"])
    for state in ("working", "failing", "disabled"):
        ENDPOINTS.labels(state).set(row[state])


def _view(row: Row) -> DeliveryView:
    is_elsewhere = row["conversation_id"] == NOBODY_ID
    return DeliveryView(
        id=row["event_id"],
        type=row["type"],
        state=row["state"],
        attempts=row["attempts"],
        last_status=row["last_status"],
        last_error=row["last_error"],
        ms=row["ms"],
        due_at=iso(row["due_at"]),
        created_at=iso(row["created_at"]),
        conversation_id=None if is_elsewhere else row["conversation_id"],
        seq=row["seq"],
        answer=row["answer"],
    )
