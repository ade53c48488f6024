"""The number on a user's phones: remembered when a push set it, lowered when they read elsewhere."""

from collections.abc import Mapping

from persistence.database.pool import Connection, Database, Query, columns
from persistence.database.visibility import REFUSED, UNREAD
from persistence.push.devices import IS_REVOKED
from shared import push_upkeep_api

QUIET_MINUTES = 20
"""Between two silent updates of a user: iOS delivers two or three background pushes an hour, and drops the rest."""
LOOK_BACK_SECONDS = 120
"""How far back a look for those who read goes; looks come more often, so none of them is missed."""

_SHOW = Query(
    "badges_show",
    """
INSERT INTO badges (user_id, shown) SELECT * FROM unnest($1::uuid[], $2::bigint[])
ON CONFLICT (user_id) DO UPDATE SET shown = excluded.shown, stale_since = NULL
""",
)

_MARK = Query(
    "badges_mark",
    """
WITH reader AS (
    SELECT user_id FROM badges WHERE shown > 0 AND stale_since IS NULL AND user_id IN (
        SELECT user_id FROM cursor_moves
        WHERE moved_at > now() - make_interval(secs => $1) AND (read_seq > 0 OR own_read_seq > 0))
    ORDER BY user_id FOR UPDATE SKIP LOCKED
)
UPDATE badges b SET stale_since = now() FROM reader WHERE b.user_id = reader.user_id
""",
)

# A user whose badge is right after all is taken too, silently: nothing is told, and no quiet time begins.
_TAKE = Query(
    "badges_take",
    f"""
WITH stale AS (
    SELECT user_id, shown FROM badges
    WHERE stale_since IS NOT NULL AND coalesce(lowered_at < now() - make_interval(mins => $2), true)
    ORDER BY stale_since LIMIT $1 FOR UPDATE SKIP LOCKED
), counted AS (
    SELECT s.user_id, s.shown, (
        SELECT coalesce(sum({UNREAD}), 0)::bigint
        FROM participants p JOIN conversations c ON c.id = p.conversation_id
        WHERE p.user_id = s.user_id AND p.left_at IS NULL
    ) AS unread
    FROM stale s
), taken AS (
    UPDATE badges b SET stale_since = NULL, shown = c.unread,
        lowered_at = CASE WHEN c.unread < c.shown THEN now() ELSE b.lowered_at END
    FROM counted c WHERE b.user_id = c.user_id
)
SELECT c.user_id, c.unread, array_agg(d.token) AS tokens
FROM counted c JOIN devices d ON d.user_id = c.user_id AND d.platform = 'ios' AND NOT {IS_REVOKED.format(device="d")}
JOIN users u ON u.id = c.user_id AND NOT {REFUSED}
WHERE c.unread < c.shown
GROUP BY c.user_id, c.unread
""",
)


async def show(connection: Connection, badges: Mapping[str, int]) -> None:
    """These users' phones show these numbers now."""
    await _SHOW.rows(connection, *columns(sorted(badges.items()), 2))


async def take_stale(database: Database, limit: int) -> list[push_upkeep_api.Badge]:
    """Users whose phones show more than is unread since they read elsewhere; none of them again for QUIET_MINUTES."""
    await _MARK.rows(database, LOOK_BACK_SECONDS)
    return [push_upkeep_api.Badge(**dict(row)) for row in await _TAKE.rows(database, limit, QUIET_MINUTES)]
