"""How much a user has not read, over all conversations; and having read all of it."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from persistence.database.pool import Database, Pool, Query
from persistence.database.visibility import HIDES, MARKED_UNREAD, MENTIONS, UNREAD
from persistence.marks.store import MARKS, Marks
from persistence.receipts import cursors
from persistence.receipts.views import Moved
from shared.streams import Cursor

AT_ONCE = 500
"""Conversations read by one statement."""

_TOTALS = Query(
    "unread_totals",
    f"""
SELECT coalesce(sum(one.unread), 0)::bigint AS messages, coalesce(sum(one.mentions), 0)::bigint AS mentions,
       count(*) FILTER (WHERE one.unread > 0) AS conversations,
       count(*) FILTER (WHERE one.unread = 0 AND one.marked) AS marked
FROM (
    SELECT {UNREAD} AS unread, {MENTIONS} AS mentions, {MARKED_UNREAD} AND NOT {HIDES} AS marked
    FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.user_id = $1 AND p.left_at IS NULL
) AS one
""",
)

_UNREAD = Query(
    "unread_conversations",
    f"""
SELECT p.conversation_id, c.last_seq FROM participants p JOIN conversations c ON c.id = p.conversation_id
WHERE p.user_id = $1 AND p.left_at IS NULL AND ($2::uuid IS NULL OR p.conversation_id > $2) AND {UNREAD} > 0
ORDER BY p.conversation_id LIMIT {AT_ONCE}
""",
)

# Rows are locked in the order in which all writers of participants take them.
_UNMARK = Query(
    "unmark_all",
    f"""
WITH held AS (
    SELECT p.conversation_id FROM participants p
    WHERE p.user_id = $1 AND p.left_at IS NULL AND p.unread_seq IS NOT NULL
    ORDER BY p.conversation_id LIMIT {AT_ONCE} FOR NO KEY UPDATE
)
UPDATE participants p SET unread_seq = NULL FROM held, conversations c
WHERE p.conversation_id = held.conversation_id AND p.user_id = $1 AND c.id = p.conversation_id
RETURNING p.conversation_id, {MARKS}
""",
)


class Unread(NamedTuple):
    """`messages`, of which `mentions` mention the user, in so many `conversations`; and so many of the others are
    `marked` as unread."""

    messages: int
    mentions: int
    conversations: int
    marked: int


async def totals(database: Database, user_id: str) -> Unread:
    """Counted as in lists, sync and badges."""
    [row] = await _TOTALS.rows(database, user_id)
    return Unread(row["messages"], row["mentions"], row["conversations"], row["marked"])


async def read_all(pool: Pool, user_id: str) -> AsyncIterator[list[Moved]]:
    """Moves the user's cursors to the end wherever something is unread: what moved, conversations of one step at a
    time. What comes meanwhile may stay unread. Cut short, it is to be done again."""
    after: str | None = None
    while True:
        rows = await _UNREAD.rows(pool, user_id, after)
        if not rows:
            return
        said = [Cursor(row["conversation_id"], user_id, read=row["last_seq"]) for row in rows]
        yield await cursors.advance(pool, said)
        after = rows[-1]["conversation_id"]


async def unmark_all(pool: Pool, user_id: str) -> AsyncIterator[dict[str, Marks]]:
    """Takes every mark of unread off; each of these conversations, and how it is kept now."""
    while rows := await _UNMARK.rows(pool, user_id):
        yield {row["conversation_id"]: Marks.of(row) for row in rows}
