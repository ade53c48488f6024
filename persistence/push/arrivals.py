"""Being added to a group, which is pushed like a first message: to who is away, and once."""

from persistence.database.pool import Database, Query
from persistence.database.visibility import BEGINS, REFUSED, UNREAD
from persistence.push.devices import IS_REVOKED
from shared import push_upkeep_api

WAIT_SECONDS = 2
"""Whoever adds somebody often says something at once: that message's own push is then enough."""
FRESH_HOURS = 24

HAS_PHONE = "(SELECT true FROM devices d WHERE d.user_id = {user} LIMIT 1) IS NOT NULL"


def noting(conversation: str, people: str, by: str) -> str:
    """The statement, for a WITH, that notes these `people` (a FROM item with the column `id`) of the conversation, both
    as SQL, unless they came by themselves. Who has no phone costs no row."""
    return f"""
    INSERT INTO arrivals (conversation_id, user_id, added_by, created_at)
    SELECT {conversation}, w.id, {by}, date_trunc('milliseconds', clock_timestamp()) FROM {people}
    WHERE w.id <> {by} AND {HAS_PHONE.format(user="w.id")} ORDER BY w.id
    ON CONFLICT (conversation_id, user_id) DO UPDATE SET added_by = EXCLUDED.added_by, created_at = EXCLUDED.created_at
"""


_TAKE = Query(
    "arrivals_take",
    f"""
WITH due AS (
    SELECT conversation_id, user_id FROM arrivals WHERE created_at < now() - make_interval(secs => {WAIT_SECONDS})
    ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM arrivals a USING due WHERE a.conversation_id = due.conversation_id AND a.user_id = due.user_id
    RETURNING a.*
)
SELECT t.conversation_id, t.user_id, c.name AS group_name, s.handle AS added_by,
       coalesce(f.messages_enabled, true) AND t.created_at > now() - interval '{FRESH_HOURS} hours'
           AND (p.muted_until IS NULL OR p.muted_until <= now())
           AND NOT EXISTS (SELECT FROM messages m WHERE m.conversation_id = c.id AND m.seq > {BEGINS}) AS wanted,
       f.preview, f.quiet_start, f.quiet_end, f.time_zone, badge.badge, phones.devices
FROM taken t JOIN conversations c ON c.id = t.conversation_id
JOIN participants p ON p.conversation_id = t.conversation_id AND p.user_id = t.user_id AND p.left_at IS NULL
JOIN users u ON u.id = t.user_id AND NOT {REFUSED}
LEFT JOIN users s ON s.id = t.added_by LEFT JOIN preferences f ON f.user_id = t.user_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum({UNREAD}), 0)::bigint AS badge
    FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.user_id = t.user_id AND p.left_at IS NULL
) AS badge
CROSS JOIN LATERAL (
    SELECT array_agg(ARRAY[v.token, v.platform]) AS devices FROM devices v
    WHERE v.user_id = t.user_id AND NOT {IS_REVOKED.format(device="v")}
) AS phones
""",
)


async def take(database: Database, limit: int) -> push_upkeep_api.ArrivalsAnswer:
    """At most so many are taken, and of these those given who are still in, and want to hear of it."""
    rows = await _TAKE.rows(database, limit)
    given = []
    for row in rows:
        fields = dict(row)
        devices = [push_upkeep_api.Phone(token, platform) for token, platform in fields.pop("devices") or ()]
        if fields.pop("wanted") and devices:
            given.append(push_upkeep_api.Arrival(**fields, phones=devices))
    return push_upkeep_api.ArrivalsAnswer(given, more=len(rows) == limit)
