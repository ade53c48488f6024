"""What follows a deletion for all, after it was told: phones show less, and forget what they were pushed."""

from collections.abc import Sequence

from persistence.database.pool import Database, Query, columns
from persistence.database.visibility import OWN_READ, REFUSED
from persistence.log.logged import Logged
from persistence.push.devices import IS_REVOKED
from shared import push_upkeep_api
from shared.events.message_deleted import MESSAGE_DELETED

# Rows are locked in one order, as whoever shows or lowers a number does; who holds one is about to count anew anyway.
_MARK_BADGES = Query(
    "badges_after_deletion",
    f"""
WITH gone AS (
    SELECT m.conversation_id, m.seq FROM unnest($1::uuid[], $2::uuid[]) AS g(conversation_id, message_id)
    JOIN messages m ON m.id = g.message_id AND m.conversation_id = g.conversation_id
), reader AS (
    SELECT user_id FROM badges WHERE shown > 0 AND stale_since IS NULL AND user_id IN (
        SELECT p.user_id FROM gone JOIN participants p ON p.conversation_id = gone.conversation_id
        WHERE p.left_at IS NULL AND {OWN_READ} < gone.seq)
    ORDER BY user_id FOR UPDATE SKIP LOCKED
)
UPDATE badges b SET stale_since = now() FROM reader WHERE b.user_id = reader.user_id
""",
)

_MARK_PUSHES = Query(
    "withdraw_pushes",
    """
WITH pushed AS (
    SELECT l.conversation_id, l.message_id, l.device_id
    FROM unnest($1::uuid[], $2::uuid[]) AS g(conversation_id, message_id)
    JOIN push_ledger l ON l.conversation_id = g.conversation_id AND l.message_id = g.message_id
    WHERE l.withdraw IS NULL AND l.state <> 'rejected'
    ORDER BY l.conversation_id, l.message_id, l.device_id FOR NO KEY UPDATE OF l
)
UPDATE push_ledger l SET withdraw = true FROM pushed p
WHERE l.conversation_id = p.conversation_id AND l.message_id = p.message_id AND l.device_id = p.device_id
""",
)

# A push that is on its way right now is withdrawn once it has been sent.
_TAKE = Query(
    "withdrawals_take",
    f"""
WITH due AS (
    SELECT conversation_id, message_id, device_id, user_id FROM push_ledger
    WHERE withdraw AND state = 'sent' ORDER BY updated_at LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE push_ledger l SET withdraw = false FROM due
    WHERE l.conversation_id = due.conversation_id AND l.message_id = due.message_id AND l.device_id = due.device_id
)
SELECT due.conversation_id, due.message_id, due.user_id, d.token, d.platform
FROM due JOIN devices d ON d.id = due.device_id AND d.user_id = due.user_id AND NOT {IS_REVOKED.format(device="d")}
JOIN users u ON u.id = due.user_id AND NOT {REFUSED}
""",
)


async def follow(database: Database, events: Sequence[Logged]) -> None:
    """A `Follower`: for those of these events that delete a message. The same again changes nothing."""
    gone = [(event.conversation_id, event.message_id) for event in events if event.kind is MESSAGE_DELETED]
    if gone:
        await mark(database, gone)


async def mark(database: Database, gone: Sequence[tuple[str, str | None]]) -> None:
    """What phones show of these (conversation, message) is too much by now."""
    await _MARK_BADGES.rows(database, *columns(gone, 2))
    await _MARK_PUSHES.rows(database, *columns(gone, 2))


async def take_withdrawals(database: Database, limit: int) -> list[push_upkeep_api.Withdrawal]:
    """Devices that were pushed a message which is deleted: each is given once, whatever becomes of it."""
    return [push_upkeep_api.Withdrawal(**dict(row)) for row in await _TAKE.rows(database, limit)]
