"""Expo's receipts in the push ledger: when to ask for each, and what it said."""

from collections.abc import Sequence

from persistence.database.pool import Database, Pool, Query, columns, transaction
from persistence.push import devices
from shared import push_api

RETRIES_SECONDS = (3600, 6 * 3600, 23 * 3600)
"""After the send, where the receipt was not there yet; none after the last: Expo keeps it for 24 hours."""

# The locks are taken in a CTE of their own, which runs once: a subquery may run again for each row it is joined to.
_DUE_RECEIPTS = Query(
    "push_due_receipts",
    """
WITH ripe AS (
    SELECT conversation_id, message_id, device_id FROM push_ledger
    WHERE receipt_due_at <= now() ORDER BY receipt_due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), due AS (
    UPDATE push_ledger l SET receipt_due_at = now() + $2 * interval '1 second'
    FROM ripe
    WHERE l.conversation_id = ripe.conversation_id AND l.message_id = ripe.message_id AND l.device_id = ripe.device_id
    RETURNING l.*
)
SELECT due.ticket_id, due.conversation_id, due.seq, due.message_id, due.user_id, due.device_id, m.sender_id,
       (extract(epoch FROM m.created_at) * 1000)::bigint AS at_ms,
       (extract(epoch FROM due.updated_at) * 1000)::bigint AS sent_at_ms, d.platform
FROM due JOIN messages m ON m.conversation_id = due.conversation_id AND m.seq = due.seq
LEFT JOIN devices d ON d.id = due.device_id
""",
)


async def due_receipts(database: Database, limit: int, lease_seconds: float) -> list[push_api.DueReceipt]:
    """Tickets whose receipt should be there; they are nobody else's for `lease_seconds`."""
    rows = await _DUE_RECEIPTS.rows(database, limit, lease_seconds)
    return [push_api.DueReceipt(**dict(row)) for row in rows]


# `updated_at` stays: it tells when Expo took the push.
_RECEIPTS = Query(
    "push_receipts",
    """
UPDATE push_ledger l
SET receipt = coalesce(i.receipt, CASE WHEN l.receipt_checks >= cardinality($6::int[]) THEN 'missing' END),
    receipt_checks = l.receipt_checks + 1,
    receipt_due_at = CASE WHEN i.receipt IS NULL
        THEN l.updated_at + ($6::int[])[l.receipt_checks + 1] * interval '1 second' END,
    state = CASE WHEN i.again THEN 'calling' ELSE l.state END,
    attempts = CASE WHEN i.counts THEN l.attempts ELSE l.attempts - 1 END
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bool[], $7::bool[])
    AS i(conversation_id, message_id, device_id, receipt, again, counts)
WHERE l.conversation_id = i.conversation_id AND l.message_id = i.message_id AND l.device_id = i.device_id
""",
)


_USER = Query(
    "push_user", "SELECT user_id FROM push_ledger WHERE conversation_id = $1 AND message_id = $2 AND device_id = $3"
)


async def user_of(database: Database, outcome: push_api.ReceiptOutcome) -> str | None:
    """Whose phone it was; None where the ledger forgot the push."""
    row = await _USER.row(database, outcome.conversation_id, outcome.message_id, outcome.device_id)
    return None if row is None else str(row["user_id"])


async def settle_receipts(pool: Pool, outcomes: Sequence[push_api.ReceiptOutcome]) -> None:
    """Writes down what APNs or FCM said; where nothing was there yet, asks again at the next of the retries.

    What may be pushed once more counts as not settled again: a claim of it is granted while attempts are left.
    """
    dead = [(one.conversation_id, one.message_id, one.device_id) for one in outcomes if one.dead_token]
    rows = [
        (one.conversation_id, one.message_id, one.device_id, one.receipt, one.again, one.counts) for one in outcomes
    ]
    async with transaction(pool) as connection:
        if dead:
            await devices.remove_dead(connection, dead)
        *facts, counts = columns(rows, 6)
        await _RECEIPTS.rows(connection, *facts, list(RETRIES_SECONDS), counts)
