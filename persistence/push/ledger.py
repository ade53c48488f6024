"""The push ledger: one row a (message, device) makes it one push."""

from collections.abc import Sequence

from persistence.database.pool import Database, Pool, Query, columns, transaction
from persistence.push import badges, devices
from shared import push_api

MAX_ATTEMPTS = 3
"""The first call, and at most two more where Expo's answer was ambiguous: it has no idempotency key."""
FIRST_RECEIPT_SECONDS = 15 * 60
"""docs.expo.dev: ask for a receipt 15 minutes after sending; it is kept for 24 hours."""

# A claim is granted where there is no row yet, or where a lease ran out on a worker that may have died in its call.
_CLAIM = Query(
    "push_claim",
    """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::bigint[], $7::text[])
    WITH ORDINALITY AS i(conversation_id, message_id, device_id, seq, user_id, registered_at_us, cause, nth)
), granted AS (
    INSERT INTO push_ledger AS l (conversation_id, message_id, device_id, seq, user_id, state, lease_until,
                                  token_registered_at, cause)
    SELECT conversation_id, message_id, device_id, seq, user_id, 'calling', now() + $8 * interval '1 second',
           to_timestamp(registered_at_us / 1000000.0), cause
    FROM input ORDER BY conversation_id, message_id, device_id
    ON CONFLICT (conversation_id, message_id, device_id) DO UPDATE
    SET attempts = l.attempts + 1, lease_until = excluded.lease_until, updated_at = now(),
        token_registered_at = excluded.token_registered_at
    WHERE l.state = 'calling' AND l.lease_until < now() AND l.attempts < $9
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
        (one.conversation_id, one.message_id, one.device_id, one.seq, one.user_id, one.registered_at_us, one.cause)
        for one in claims
    ]
    verdicts = await _CLAIM.rows(database, *columns(rows, 7), lease_seconds, MAX_ATTEMPTS)
    return [row["verdict"] for row in verdicts]


# `retry` forgets the claim: Expo took nothing. `ambiguous` lets the lease run out at once, so that one more try is
# granted while attempts are left. Race: a worker that was held up longer than its lease may settle after the one that
# took over; what that one sent stays sent. A message told with another of its burst has no ticket and no receipt.
_SETTLE = Query(
    "push_settle",
    """
WITH input AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
    AS i(conversation_id, message_id, device_id, state, ticket_id, reason)
), forgotten AS (
    DELETE FROM push_ledger l USING input i
    WHERE i.state = 'retry' AND l.state = 'calling' AND l.attempts = 1 AND l.conversation_id = i.conversation_id
      AND l.message_id = i.message_id AND l.device_id = i.device_id
)
UPDATE push_ledger l
SET state = CASE i.state WHEN 'sent' THEN 'sent' WHEN 'rejected' THEN 'rejected' ELSE 'calling' END,
    lease_until = now(), ticket_id = coalesce(i.ticket_id, l.ticket_id), reason = i.reason, updated_at = now(),
    attempts = CASE i.state WHEN 'retry' THEN l.attempts - 1 ELSE l.attempts END,
    receipt = CASE WHEN i.ticket_id IS NULL THEN l.receipt END,
    receipt_checks = CASE WHEN i.ticket_id IS NULL THEN l.receipt_checks ELSE 0 END,
    receipt_due_at = CASE WHEN i.ticket_id IS NOT NULL THEN now() + $7 * interval '1 second' END
FROM input i
WHERE l.conversation_id = i.conversation_id AND l.message_id = i.message_id AND l.device_id = i.device_id
  AND (l.state = 'calling' OR i.state = 'sent') AND NOT (i.state = 'retry' AND l.attempts = 1)
""",
)

_DECIDE = Query(
    "push_decide",
    """
INSERT INTO push_decisions (conversation_id, message_id, user_id, reason, cause)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
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
    shown = {one.user_id: one.badge for one in outcomes if one.state == "sent" and one.badge is not None}
    async with transaction(pool) as connection:
        if dead:
            await devices.remove_dead(connection, dead)
        if rows:
            await _SETTLE.rows(connection, *columns(rows, 6), FIRST_RECEIPT_SECONDS)
        if shown:
            await badges.show(connection, shown)
        if decisions:
            await _DECIDE.rows(connection, *columns(_last(decisions), 5))


def _last(decisions: Sequence[push_api.Decision]) -> list[tuple[str, str, str, str, str]]:
    """One for each user and message, the last: a statement may write a row only once."""
    reasons = {(one.conversation_id, one.message_id, one.user_id): (one.reason, one.cause) for one in decisions}
    return [(*key, *why) for key, why in sorted(reasons.items())]
