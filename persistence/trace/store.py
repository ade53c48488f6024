"""The life of a message, from what was written down of it: who had it when, and why and how each was told."""

from collections import defaultdict
from datetime import datetime, timedelta

from persistence.database.pool import Database, Query, Row
from persistence.database.view import View
from persistence.push.devices import IS_REVOKED
from persistence.push.ledger import MAX_ATTEMPTS
from shared.clock import iso, iso_or_none


class DeviceTrace(View, frozen=True):
    """How one device was told, or why it was not. `receipt`: APNs' or FCM's word.

    `state`: calling, sent, rejected, unclear (Expo never said whether it took it, and was asked often enough), or
    untold: then `reason` is the policy's, nothing was tried, and `claimed_at` is None.
    """

    device_id: str
    platform: str | None
    state: str
    attempts: int
    reason: str | None
    claimed_at: str | None
    settled_at: str
    ticket_id: str | None
    receipt: str | None


class RecipientTrace(View, frozen=True):
    """`connected`: were they online when it was sent? None where nothing tells.

    A time is None, too, where its move is older than the history, which is kept for two days. `decision`: why the
    policy did not want them told when it was last asked. Where nobody was asked because they had no device, that is the
    decision, without a time.
    """

    user_id: str
    handle: str | None
    connected: bool | None
    delivered: bool
    delivered_at: str | None
    attended: bool
    attended_at: str | None
    read: bool
    read_at: str | None
    left_at: str | None
    last_seen_at: str | None
    decision: str | None
    decided_at: str | None
    devices: list[DeviceTrace]


class Trace(View, frozen=True):
    """`published`: nothing of it waits in the outbox."""

    message_id: str
    conversation_id: str
    seq: int
    sender_id: str
    committed_at: str
    published: bool
    recipients: list[RecipientTrace]

    def deadline_at(self, ack_timeout_seconds: float) -> str:
        """Who was connected and had not taken it by then is told by push."""
        return iso(datetime.fromisoformat(self.committed_at) + timedelta(seconds=ack_timeout_seconds))


_MESSAGE = Query(
    "trace_message",
    """
SELECT m.id, m.conversation_id, m.seq, m.sender_id, m.created_at, NOT EXISTS (
    SELECT FROM outbox o WHERE o.conversation_id = m.conversation_id AND o.seq = m.seq) AS published
FROM messages m WHERE m.id = $1
""",
)

_RECIPIENTS = Query(
    "trace_recipients",
    """
SELECT p.user_id, u.handle, p.delivered_seq >= $2 AS delivered, p.attended_seq >= $2 AS attended,
       p.read_seq >= $2 AS read, h.delivered_at, h.attended_at, h.read_at, p.left_at, u.last_seen_at, d.reason, d.cause,
       d.decided_at, $5 < now() - interval '7 days' OR EXISTS (
           SELECT FROM devices v WHERE v.user_id = p.user_id AND coalesce(v.signed_in_at, v.registered_at) <= $5
       ) AS had_device
FROM participants p JOIN users u ON u.id = p.user_id
LEFT JOIN (
    SELECT user_id, min(moved_at) FILTER (WHERE delivered_seq >= $2) AS delivered_at,
           min(moved_at) FILTER (WHERE attended_seq >= $2) AS attended_at,
           min(moved_at) FILTER (WHERE read_seq >= $2) AS read_at
    FROM cursor_moves WHERE conversation_id = $1 AND moved_at >= $5 GROUP BY user_id
) h ON h.user_id = p.user_id
LEFT JOIN push_decisions d ON d.conversation_id = $1 AND d.message_id = $3 AND d.user_id = p.user_id
WHERE p.conversation_id = $1 AND p.user_id <> $4 AND p.joined_at <= $5
ORDER BY p.user_id
""",
)

_DEVICES = Query(
    "trace_devices",
    f"""
SELECT l.user_id, l.device_id, d.platform, l.attempts, l.reason, l.cause, l.created_at, l.updated_at, l.ticket_id,
       l.receipt, CASE WHEN l.state = 'calling' AND l.attempts >= $3 AND l.lease_until < now() THEN 'unclear'
                       ELSE l.state END AS state
FROM push_ledger l LEFT JOIN devices d ON d.id = l.device_id
WHERE l.conversation_id = $1 AND l.message_id = $2
UNION ALL
SELECT p.user_id, d.id, d.platform, 0,
       CASE WHEN {IS_REVOKED.format(device="d")} THEN 'session revoked' ELSE p.reason END,
       p.cause, NULL, p.decided_at, NULL, NULL, 'untold'
FROM push_decisions p
JOIN devices d ON d.user_id = p.user_id AND coalesce(d.signed_in_at, d.registered_at) <= p.decided_at
WHERE p.conversation_id = $1 AND p.message_id = $2 AND NOT EXISTS (
    SELECT FROM push_ledger l
    WHERE l.conversation_id = $1 AND l.message_id = $2 AND l.device_id = d.id)
UNION ALL
-- Their other devices were told, and none of it was decided for this one alone.
SELECT d.user_id, d.id, d.platform, 0, 'session revoked', NULL, NULL, r.changed_at, NULL, NULL, 'untold'
FROM (SELECT user_id, max(updated_at) AS told_at FROM push_ledger
      WHERE conversation_id = $1 AND message_id = $2 GROUP BY user_id) o
JOIN devices d ON d.user_id = o.user_id
JOIN refusals r ON r.subject = 'session:' || d.session_id AND r.refused AND r.changed_at <= o.told_at
WHERE NOT EXISTS (
    SELECT FROM push_ledger l WHERE l.conversation_id = $1 AND l.message_id = $2 AND l.device_id = d.id)
  AND NOT EXISTS (
    SELECT FROM push_decisions p WHERE p.conversation_id = $1 AND p.message_id = $2 AND p.user_id = d.user_id)
ORDER BY updated_at, device_id
""",
)


async def trace(database: Database, message_id: str) -> Trace | None:
    """None where there is no such message."""
    message = await _MESSAGE.row(database, message_id)
    if message is None:
        return None
    conversation_id, seq = message["conversation_id"], message["seq"]
    facts = (conversation_id, seq, message_id, message["sender_id"], message["created_at"])
    devices: dict[str, list[Row]] = defaultdict(list)
    for row in await _DEVICES.rows(database, conversation_id, message_id, MAX_ATTEMPTS):
        devices[row["user_id"]].append(row)
    return Trace(
        message_id=message_id,
        conversation_id=conversation_id,
        seq=seq,
        sender_id=message["sender_id"],
        committed_at=iso(message["created_at"]),
        published=message["published"],
        recipients=[_recipient(row, devices[row["user_id"]]) for row in await _RECIPIENTS.rows(database, *facts)],
    )


def _recipient(row: Row, devices: list[Row]) -> RecipientTrace:
    return RecipientTrace(
        user_id=row["user_id"],
        handle=row["handle"],
        connected=_connected(row, devices),
        delivered=row["delivered"],
        delivered_at=iso_or_none(row["delivered_at"]),
        attended=row["attended"],
        attended_at=iso_or_none(row["attended_at"]),
        read=row["read"],
        read_at=iso_or_none(row["read_at"]),
        left_at=iso_or_none(row["left_at"]),
        last_seen_at=iso_or_none(row["last_seen_at"]),
        decision=_decision(row, devices),
        decided_at=iso_or_none(row["decided_at"]),
        devices=[_device(device) for device in devices],
    )


def _decision(row: Row, devices: list[Row]) -> str | None:
    """Who had no device is in no book, so that a large group costs no row for each of them."""
    taken = row["delivered"] or row["read"]
    return row["reason"] or (None if taken or devices or row["had_device"] else "no device")


def _connected(row: Row, devices: list[Row]) -> bool | None:
    """Who was offline is in the pushers' books with that cause; who took it live, without any, was there."""
    causes = {device["cause"] for device in devices} | {row["cause"]}
    if "offline" in causes:
        return False
    return True if "unacknowledged" in causes or row["delivered"] else None


def _device(row: Row) -> DeviceTrace:
    return DeviceTrace(
        device_id=row["device_id"],
        platform=row["platform"],
        state=row["state"],
        attempts=row["attempts"],
        reason=row["reason"],
        claimed_at=iso_or_none(row["created_at"]),
        settled_at=iso(row["updated_at"]),
        ticket_id=row["ticket_id"],
        receipt=row["receipt"],
    )
