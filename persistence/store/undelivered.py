"""Messages that some recipient may not have seen: what push state is made of when Redis lost it."""

from persistence.store.database import Database, Query
from persistence.store.visibility import BEGINS
from shared.wire import Deadline

_RECENT = Query(
    "recent_undelivered",
    f"""
SELECT m.conversation_id, m.seq, m.id, m.sender_id, (extract(epoch FROM m.created_at) * 1000)::bigint AS at_ms
FROM messages m
WHERE m.created_at > now() - make_interval(secs => $1) AND (m.conversation_id, m.seq) > ($2::uuid, $3)
    AND EXISTS (
        SELECT FROM participants p JOIN conversations c ON c.id = p.conversation_id
        WHERE p.conversation_id = m.conversation_id AND p.user_id <> m.sender_id AND p.left_at IS NULL
            AND greatest(p.attended_seq, p.read_seq, {BEGINS}) < m.seq
    )
ORDER BY m.conversation_id, m.seq LIMIT $4
""",
)

BEGINNING = ("00000000-0000-0000-0000-000000000000", 0)


async def recent(database: Database, seconds: float, *, after: tuple[str, int], limit: int) -> list[Deadline]:
    """Messages of the last so many seconds that a recipient neither read nor had while looking.

    A page, ordered by (conversation, seq), above `after`.
    """
    rows = await _RECENT.rows(database, seconds, *after, limit)
    return [Deadline(row["conversation_id"], row["seq"], row["id"], row["sender_id"], row["at_ms"]) for row in rows]
