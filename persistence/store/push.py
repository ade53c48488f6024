"""The push ledger and the facts that decide a push. One row a (message, device) makes it one push."""

from collections.abc import Sequence
from typing import Any

from persistence.store.database import Database, Pool, Query, columns, transaction
from shared import push_api
from shared.wire import Deadline

MAX_ATTEMPTS = 3
"""The first call, and at most two more where Expo's answer was ambiguous: it has no idempotency key."""
FIRST_RECEIPT_SECONDS = 15 * 60
"""docs.expo.dev: ask for a receipt 15 minutes after sending; it is kept for 24 hours."""
RECEIPT_RETRIES_SECONDS = (3600, 6 * 3600, 23 * 3600)
"""After the send, where the receipt was not there yet; none after the last."""
RETENTION = "7 days"

_LAGGARDS = Query(
    "push_laggards",
    """
SELECT d.nth, p.user_id::text
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) WITH ORDINALITY AS d(conversation_id, seq, sender_id, nth)
JOIN participants p ON p.conversation_id = d.conversation_id AND p.user_id <> d.sender_id AND p.left_at IS NULL
WHERE p.attended_seq < d.seq AND p.read_seq < d.seq AND p.hidden_seq < d.seq
""",
)


async def laggards(database: Database, deadlines: Sequence[Deadline]) -> list[list[str]]:
    """For each deadline, in order: the recipients who neither read the message nor had it while they looked."""
    rows = await _LAGGARDS.rows(
        database,
        [deadline.conversation_id for deadline in deadlines],
        [deadline.seq for deadline in deadlines],
        [deadline.sender_id for deadline in deadlines],
    )
    late: list[list[str]] = [[] for _ in deadlines]
    for nth, user_id in rows:
        late[nth - 1].append(user_id)
    return late


_TARGETS = Query(
    "push_targets",
    """
SELECT m.conversation_id::text, m.id::text AS message_id, m.seq, a.user_id::text, m.sender_id::text,
       s.handle AS sender_handle, m.text, (extract(epoch FROM m.created_at) * 1000)::bigint AS created_at_ms,
       c.is_group, c.name AS group_name, p.left_at IS NOT NULL AS "left", p.hidden_seq, p.attended_seq, p.read_seq,
       (extract(epoch FROM p.muted_until) * 1000)::bigint AS muted_until_ms,
       coalesce(f.messages_enabled, true) AS messages_enabled, f.preview, f.quiet_start, f.quiet_end, f.time_zone,
       coalesce(b.badge, 0) AS badge, coalesce(d.devices, '{}') AS devices
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS a(conversation_id, message_id, user_id)
JOIN messages m ON m.id = a.message_id AND m.conversation_id = a.conversation_id
JOIN conversations c ON c.id = m.conversation_id
JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = a.user_id
LEFT JOIN users s ON s.id = m.sender_id
LEFT JOIN preferences f ON f.user_id = a.user_id
LEFT JOIN LATERAL (
    SELECT sum(greatest(oc.last_ordinal - greatest(op.read_ordinal, op.hidden_ordinal), 0))::bigint AS badge
    FROM participants op JOIN conversations oc ON oc.id = op.conversation_id
    WHERE op.user_id = a.user_id AND op.left_at IS NULL
) b ON true
LEFT JOIN LATERAL (
    SELECT array_agg(ARRAY[d.id::text, d.token, (extract(epoch FROM d.registered_at) * 1000000)::bigint::text,
                           d.platform]) AS devices
    FROM devices d WHERE d.user_id = a.user_id
) d ON true
""",
)


async def targets(database: Database, addressees: Sequence[push_api.Addressee]) -> list[push_api.Target]:
    """The facts for each of these users and messages. Who was never in there, and what is gone, is absent."""
    pairs = [(one.conversation_id, one.message_id, user) for one in addressees for user in one.users]
    rows = await _TARGETS.rows(database, *columns(pairs, 3))
    return [_target(dict(row)) for row in rows]


def _target(row: dict[str, Any]) -> push_api.Target:
    devices = [
        push_api.Device(id=key, token=token, registered_at_us=int(registered), platform=platform)
        for key, token, registered, platform in row.pop("devices")
    ]
    return push_api.Target(**row, devices=devices)


# A claim is granted where there is no row yet, or where a lease ran out on a worker that may have died in its call.
_CLAIM = Query(
    "push_claim",
    """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::bigint[])
    WITH ORDINALITY AS i(conversation_id, message_id, device_id, seq, user_id, registered_at_us, nth)
), granted AS (
    INSERT INTO push_ledger AS l (conversation_id, message_id, device_id, seq, user_id, state, lease_until,
                                  token_registered_at)
    SELECT conversation_id, message_id, device_id, seq, user_id, 'calling', now() + $7 * interval '1 second',
           to_timestamp(registered_at_us / 1000000.0)
    FROM input ORDER BY conversation_id, message_id, device_id
    ON CONFLICT (conversation_id, message_id, device_id) DO UPDATE
    SET attempts = l.attempts + 1, lease_until = excluded.lease_until, updated_at = now()
    WHERE l.state = 'calling' AND l.lease_until < now() AND l.attempts < $8
    RETURNING conversation_id, message_id, device_id
)
-- A row that another worker inserted after this statement's snapshot is not seen here: it is busy with it.
SELECT i.nth, CASE WHEN g.device_id IS NOT NULL THEN 'granted'
                   WHEN l.device_id IS NULL OR (l.state = 'calling' AND l.lease_until >= now()) THEN 'busy'
                   ELSE 'done' END AS verdict
FROM input i
LEFT JOIN granted g USING (conversation_id, message_id, device_id)
LEFT JOIN push_ledger l USING (conversation_id, message_id, device_id)
ORDER BY i.nth
""",
)


async def claim(database: Database, claims: Sequence[push_api.Claim], lease_seconds: float) -> list[str]:
    """`granted`, `done` or `busy` for each, in order. No two of one call may name the same message and device."""
    rows = [
        (one.conversation_id, one.message_id, one.device_id, one.seq, one.user_id, one.registered_at_us)
        for one in claims
    ]
    verdicts = await _CLAIM.rows(database, *columns(rows, 6), lease_seconds, MAX_ATTEMPTS)
    return [row["verdict"] for row in verdicts]


# `retry` forgets the claim: Expo took nothing. `ambiguous` lets the lease run out at once, so that one more try is
# granted while attempts are left.
_SETTLE = Query(
    "push_settle",
    """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
    AS i(conversation_id, message_id, device_id, state, ticket_id, reason)
), forgotten AS (
    DELETE FROM push_ledger l USING input i
    WHERE i.state = 'retry' AND l.attempts = 1 AND l.conversation_id = i.conversation_id
      AND l.message_id = i.message_id AND l.device_id = i.device_id
)
UPDATE push_ledger l
SET state = CASE i.state WHEN 'sent' THEN 'sent' WHEN 'rejected' THEN 'rejected' ELSE 'calling' END,
    lease_until = now(), ticket_id = coalesce(i.ticket_id, l.ticket_id), reason = i.reason, updated_at = now(),
    attempts = CASE i.state WHEN 'retry' THEN l.attempts - 1 ELSE l.attempts END,
    receipt_due_at = CASE i.state WHEN 'sent' THEN now() + $7 * interval '1 second' END
FROM input i
WHERE l.conversation_id = i.conversation_id AND l.message_id = i.message_id AND l.device_id = i.device_id
  AND NOT (i.state = 'retry' AND l.attempts = 1)
""",
)

_REMOVE_DEAD = Query(
    "push_remove_dead",
    """
DELETE FROM devices d
USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS i(conversation_id, message_id, device_id), push_ledger l
WHERE l.conversation_id = i.conversation_id AND l.message_id = i.message_id AND l.device_id = i.device_id
  AND d.id = i.device_id AND d.registered_at <= l.token_registered_at + interval '1 millisecond'
""",
)

_DECIDE = Query(
    "push_decide",
    """
INSERT INTO push_decisions (conversation_id, message_id, user_id, reason)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
ON CONFLICT (conversation_id, message_id, user_id) DO UPDATE
SET reason = excluded.reason, decided_at = clock_timestamp()
""",
)


async def settle(pool: Pool, outcomes: Sequence[push_api.Outcome], decisions: Sequence[push_api.Decision]) -> None:
    """Writes down what came of granted claims, removes dead tokens, and remembers why others were not pushed."""
    dead = [(one.conversation_id, one.message_id, one.device_id) for one in outcomes if one.dead_token]
    rows = [
        (one.conversation_id, one.message_id, one.device_id, one.state, one.ticket_id, one.reason) for one in outcomes
    ]
    reasons = {(one.conversation_id, one.message_id, one.user_id): one.reason for one in decisions}
    async with transaction(pool) as connection:
        if dead:
            await _REMOVE_DEAD.rows(connection, *columns(dead, 3))
        if rows:
            await _SETTLE.rows(connection, *columns(rows, 6), FIRST_RECEIPT_SECONDS)
        if reasons:
            await _DECIDE.rows(connection, *columns([(*key, reason) for key, reason in reasons.items()], 4))


_DUE_RECEIPTS = Query(
    "push_due_receipts",
    """
UPDATE push_ledger l SET receipt_due_at = now() + $2 * interval '1 second'
FROM (
    SELECT conversation_id, message_id, device_id FROM push_ledger
    WHERE receipt_due_at <= now() ORDER BY receipt_due_at LIMIT $1 FOR UPDATE SKIP LOCKED
) due
WHERE l.conversation_id = due.conversation_id AND l.message_id = due.message_id AND l.device_id = due.device_id
RETURNING l.ticket_id, l.conversation_id::text, l.message_id::text, l.device_id::text
""",
)


async def due_receipts(database: Database, limit: int, lease_seconds: float) -> list[push_api.DueReceipt]:
    """Tickets whose receipt should be there; they are nobody else's for `lease_seconds`."""
    rows = await _DUE_RECEIPTS.rows(database, limit, lease_seconds)
    return [push_api.DueReceipt(**dict(row)) for row in rows]


_RECEIPTS = Query(
    "push_receipts",
    """
UPDATE push_ledger l
SET receipt = coalesce(i.receipt, CASE WHEN l.receipt_checks >= cardinality($5::int[]) THEN 'missing' END),
    receipt_checks = l.receipt_checks + 1, updated_at = now(),
    receipt_due_at = CASE WHEN i.receipt IS NULL
        THEN l.created_at + ($5::int[])[l.receipt_checks + 1] * interval '1 second' END
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS i(conversation_id, message_id, device_id, receipt)
WHERE l.conversation_id = i.conversation_id AND l.message_id = i.message_id AND l.device_id = i.device_id
""",
)


async def settle_receipts(pool: Pool, outcomes: Sequence[push_api.ReceiptOutcome]) -> None:
    """Writes down what APNs or FCM said; where nothing was there yet, asks again at the next of the retries."""
    dead = [(one.conversation_id, one.message_id, one.device_id) for one in outcomes if one.dead_token]
    rows = [(one.conversation_id, one.message_id, one.device_id, one.receipt) for one in outcomes]
    async with transaction(pool) as connection:
        if dead:
            await _REMOVE_DEAD.rows(connection, *columns(dead, 3))
        await _RECEIPTS.rows(connection, *columns(rows, 4), list(RECEIPT_RETRIES_SECONDS))


_FORGET_LEDGER = Query("push_forget", f"DELETE FROM push_ledger WHERE created_at < now() - interval '{RETENTION}'")
_FORGET_DECISIONS = Query(
    "push_forget_decisions", f"DELETE FROM push_decisions WHERE decided_at < now() - interval '{RETENTION}'"
)


async def forget_old(database: Database) -> None:
    """Drops what is past its retention: no push is tried for messages that old."""
    await _FORGET_LEDGER.rows(database)
    await _FORGET_DECISIONS.rows(database)
