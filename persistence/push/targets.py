"""The facts that decide a push: who did not take a message in time, and all that the policy asks of each of them."""

from collections.abc import Sequence
from typing import Any

from persistence.database.pool import Database, Query, columns
from persistence.database.visibility import (
    BEGINS,
    BEGINS_ORDINAL,
    OWN_READ,
    OWN_READ_ORDINAL,
    REFUSED,
    UNREAD,
    is_hidden,
    mentions,
    stands,
)
from persistence.push.devices import IS_REVOKED
from persistence.push.ledger import MAX_ATTEMPTS
from shared import push_api
from shared.streams import Deadline

_LAGGARDS = Query(
    "push_laggards",
    f"""
SELECT d.nth, p.user_id
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) WITH ORDINALITY AS d(conversation_id, seq, sender_id, nth)
JOIN participants p ON p.conversation_id = d.conversation_id AND p.user_id <> d.sender_id AND p.left_at IS NULL
JOIN conversations c ON c.id = p.conversation_id
CROSS JOIN LATERAL (SELECT FROM devices v WHERE v.user_id = p.user_id LIMIT 1) phone
WHERE p.attended_seq < d.seq AND {OWN_READ} < d.seq AND {BEGINS} < d.seq
""",
)


async def laggards(database: Database, deadlines: Sequence[Deadline]) -> list[list[str]]:
    """For each deadline, in order: the recipients who neither read the message nor had it while they looked.

    Who has no device is left out: nobody could tell them.
    """
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
    f"""
SELECT m.conversation_id, m.id AS message_id, m.seq, m.ordinal, a.user_id, a.cause, m.sender_id,
       s.handle AS sender_handle, CASE WHEN m.opaque THEN '' ELSE left(m.text, $6) END AS text, m.opaque,
       (extract(epoch FROM m.created_at) * 1000)::bigint AS created_at_ms,
       c.is_group, c.name AS group_name, p.left_at IS NOT NULL AS "left",
       (SELECT true FROM blocks k WHERE k.blocker_id = a.user_id AND k.blocked_id = m.sender_id) IS NOT NULL AS blocked,
       {BEGINS} AS hidden_seq, p.attended_seq, {OWN_READ} AS read_seq,
       greatest({OWN_READ_ORDINAL}, {BEGINS_ORDINAL}) AS seen_ordinal,
       (extract(epoch FROM p.muted_until) * 1000)::bigint AS muted_until_ms,
       coalesce(p.mentions_only, false) AS mentions_only,
       coalesce({mentions("coalesce(m.notified, m.mentions)", "p.user_id")}, false) AS mentioned,
       coalesce(f.messages_enabled, true) AS messages_enabled, f.preview, f.quiet_start, f.quiet_end, f.time_zone,
       coalesce(b.badge, 0) AS badge, coalesce(d.devices, '{{}}') AS devices, d.told AS told_devices,
       d.revoked AS revoked_devices, {REFUSED} AS banned
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS a(conversation_id, message_id, user_id, cause)
JOIN messages m ON m.id = a.message_id AND m.conversation_id = a.conversation_id AND {stands("m")}
    AND m.silent IS NOT TRUE
JOIN conversations c ON c.id = m.conversation_id
JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = a.user_id
    AND (CASE WHEN p.hid_messages THEN {is_hidden("m", "p.user_id")} END) IS NULL
LEFT JOIN users s ON s.id = m.sender_id
LEFT JOIN users u ON u.id = a.user_id
LEFT JOIN preferences f ON f.user_id = a.user_id
LEFT JOIN LATERAL (
    SELECT sum({UNREAD})::bigint AS badge FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.user_id = a.user_id AND p.left_at IS NULL
) b ON true
LEFT JOIN LATERAL (
    SELECT array_agg(ARRAY[v.id::text, v.token, (extract(epoch FROM v.registered_at) * 1000000)::bigint::text,
                           v.platform]
                     ORDER BY v.registered_at)
               FILTER (WHERE (l.device_id IS NULL OR NOT l.settled) AND NOT v.revoked AND NOT {REFUSED})
               AS devices,
           count(*) FILTER (WHERE l.settled) AS told, count(*) FILTER (WHERE v.revoked) AS revoked
    FROM (SELECT *, {IS_REVOKED.format(device="o")} AS revoked FROM devices o) v LEFT JOIN LATERAL (
        SELECT e.device_id, e.state <> 'calling' OR (e.attempts >= $5 AND e.lease_until < now()) AS settled
        FROM push_ledger e
        WHERE e.conversation_id = m.conversation_id AND e.message_id = m.id AND e.device_id = v.id
    ) l ON true
    WHERE v.user_id = a.user_id
) d ON true
""",
)


async def targets(database: Database, addressees: Sequence[push_api.Addressee]) -> list[push_api.Target]:
    """The facts for each of these users and messages. Who was never in there is absent, and
    so is what is gone: purged, deleted, or hidden by the user."""
    asked = [(one.conversation_id, one.message_id, user, one.cause) for one in addressees for user in one.users]
    rows = await _TARGETS.rows(database, *columns(asked, 4), MAX_ATTEMPTS, push_api.SENT_CHARACTERS)
    return [_target(dict(row)) for row in rows]


def _target(row: dict[str, Any]) -> push_api.Target:
    devices = [
        push_api.Device(id=key, token=token, registered_at_us=int(registered), platform=platform)
        for key, token, registered, platform in row.pop("devices")
    ]
    return push_api.Target(**row, devices=devices)
