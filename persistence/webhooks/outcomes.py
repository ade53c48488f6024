"""What became of attempts: delivered, again later, given up; and endpoints that are disabled."""

from collections.abc import Sequence
from typing import NamedTuple

import structlog
from prometheus_client import Counter

from persistence.database.pool import Connection, Pool, Query, columns, transaction
from persistence.users import revocations
from persistence.webhooks.noting import Hooks
from persistence.webhooks.schedule import delay
from persistence.webhooks.store import WEBHOOKS
from persistence.webhooks.types import DISABLED, TEST
from shared.hooks_api import Outcome

log = structlog.get_logger()

DISABLED_TOTAL = Counter("parley_webhooks_disabled_total", "Endpoints that were disabled because they failed.")
FAILING_DAYS = 5
MOST_ANSWER = 1024
MOST_ERROR = 300
GONE = 410

_READ = Query(
    "hooks_read",
    """
SELECT d.conversation_id, d.event_id, d.webhook_id, d.attempts, d.type
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w(conversation_id, event_id, webhook_id)
JOIN hook_deliveries d USING (conversation_id, event_id, webhook_id)
WHERE d.state = 'waiting' ORDER BY d.conversation_id, d.event_id, d.webhook_id FOR UPDATE OF d
""",
)

_SETTLE = Query(
    "hooks_settle",
    """
UPDATE hook_deliveries d
SET state = w.state, attempts = d.attempts + 1, lease_until = NULL, last_status = w.status, last_error = w.error,
    ms = w.ms, answer = w.answer, due_at = now() + make_interval(secs => w.wait)
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
            $9::float8[]) AS w(conversation_id, event_id, webhook_id, state, status, error, ms, answer, wait)
WHERE d.conversation_id = w.conversation_id AND d.event_id = w.event_id AND d.webhook_id = w.webhook_id
""",
)

_TOO_LONG = f"coalesce(NOT t.works AND w.failing_since < now() - interval '{FAILING_DAYS} days', false)"

# A success ends what failed before; a failure begins, or goes on.
_HEALTH = Query(
    "hooks_health",
    f"""
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::boolean[]) AS t(id, works, is_gone)
), held AS (
    SELECT w.id FROM webhooks w JOIN told USING (id) ORDER BY w.id FOR NO KEY UPDATE OF w
)
UPDATE webhooks w
SET succeeded_at = CASE WHEN t.works THEN now() ELSE w.succeeded_at END,
    failing_since = CASE WHEN t.works THEN NULL ELSE coalesce(w.failing_since, now()) END,
    is_active = NOT (t.is_gone OR {_TOO_LONG}),
    disabled_reason = CASE WHEN t.is_gone THEN 'the endpoint answered 410'
        WHEN {_TOO_LONG} THEN 'every attempt of {FAILING_DAYS} days failed' END
FROM told t JOIN held USING (id) WHERE w.id = t.id AND w.is_active
RETURNING w.id, w.url, w.is_active, w.disabled_reason
""",
)


class _Place(NamedTuple):
    conversation_id: str
    event_id: str
    webhook_id: str


async def settle(pool: Pool, hooks: Hooks, outcomes: Sequence[Outcome]) -> bool:
    """The same again changes nothing but the counts. Whether an endpoint was disabled by these."""
    by_place = {_Place(*told, one.webhook_id): one for one in outcomes for told in one.told}
    async with transaction(pool) as connection:
        rows = await _READ.rows(connection, *columns(list(by_place), 3))
        if not rows:
            return False
        settled, judged = [], []
        for row in rows:
            place = _Place(row["conversation_id"], row["event_id"], row["webhook_id"])
            outcome = by_place[place]
            settled.append((*place, *_settled(outcome, row["attempts"] + 1)))
            if row["type"] != TEST:
                judged.append(outcome)
        await _SETTLE.rows(connection, *columns(settled, 9))
        return await _judge(connection, hooks, judged)


def _settled(outcome: Outcome, attempts: int) -> tuple[str, int | None, str | None, int, str, float]:
    """State, status, error, milliseconds, answer, and the seconds to wait."""
    answer, error = outcome.answer[:MOST_ANSWER], outcome.error
    if error is None:
        return "delivered", outcome.status, None, outcome.ms, answer, 0.0
    wait = None if outcome.once else delay(attempts, outcome.retry_after)
    state = "failed" if wait is None else "waiting"
    return state, outcome.status, error[:MOST_ERROR], outcome.ms, answer, wait or 0.0


async def _judge(connection: Connection, hooks: Hooks, outcomes: Sequence[Outcome]) -> bool:
    """Each endpoint by what it did: it works where any of these succeeded."""
    told: dict[str, tuple[bool, bool]] = {}
    for one in outcomes:
        works, is_gone = told.get(one.webhook_id, (False, False))
        told[one.webhook_id] = (works or one.error is None, is_gone or one.status == GONE)
    rows = await _HEALTH.rows(connection, *columns([(key, *value) for key, value in told.items()], 3)) if told else []
    disabled = [row for row in rows if not row["is_active"]]
    for row in disabled:
        DISABLED_TOTAL.inc()
        log.error("a webhook was disabled", webhook_id=row["id"], reason=row["disabled_reason"])
        data = {"webhookId": row["id"], "url": row["url"], "reason": row["disabled_reason"]}
        await hooks.note(connection, DISABLED, f"{row['id']}:{row['disabled_reason']}", data)
    if disabled:
        await revocations.note_change(connection, WEBHOOKS)
    return bool(disabled)
