"""What push state is made of: who can be told by push at all, and what some of them may not have seen."""

from collections.abc import Iterable

from persistence.database.pool import Database, Query
from persistence.database.visibility import BEGINS, OWN_READ
from shared.streams import Deadline

_RECENT = Query(
    "recent_undelivered",
    f"""
SELECT m.conversation_id, m.seq, m.id, m.sender_id, (extract(epoch FROM m.created_at) * 1000)::bigint AS at_ms
FROM messages m
WHERE m.created_at > now() - make_interval(secs => $1) AND (m.conversation_id, m.seq) > ($2::uuid, $3)
    AND EXISTS (
        SELECT FROM participants p JOIN conversations c ON c.id = p.conversation_id
        CROSS JOIN LATERAL (SELECT FROM devices d WHERE d.user_id = p.user_id LIMIT 1) phone
        WHERE p.conversation_id = m.conversation_id AND p.user_id <> m.sender_id AND p.left_at IS NULL
            AND greatest(p.attended_seq, {OWN_READ}, {BEGINS}) < m.seq
    )
ORDER BY m.conversation_id, m.seq LIMIT $4
""",
)

# LIMIT makes it a look into the index for each member. Left to itself Postgres may read all devices instead.
_REACHABLE = Query(
    "reachable_members",
    """
SELECT p.conversation_id, array_agg(p.user_id) AS users
FROM participants p CROSS JOIN LATERAL (SELECT FROM devices d WHERE d.user_id = p.user_id LIMIT 1) phone
WHERE p.conversation_id = ANY ($1::uuid[]) AND p.left_at IS NULL GROUP BY p.conversation_id
""",
)

BEGINNING = ("00000000-0000-0000-0000-000000000000", 0)


async def recent(database: Database, seconds: float, *, after: tuple[str, int], limit: int) -> list[Deadline]:
    """Messages of the last so many seconds that a recipient with a device neither read nor had while looking.

    A page, ordered by (conversation, seq), above `after`.
    """
    rows = await _RECENT.rows(database, seconds, *after, limit)
    return [Deadline(row["conversation_id"], row["seq"], row["id"], row["sender_id"], row["at_ms"]) for row in rows]


async def reachable(database: Database, conversation_ids: Iterable[str]) -> dict[str, list[str]]:
    """Who of each conversation has a device. Where nobody has, it is absent."""
    rows = await _REACHABLE.rows(database, list(conversation_ids))
    return {row["conversation_id"]: row["users"] for row in rows}
