"""Who has a message, and who has read it: told from the cursors of those who were there when it was sent."""

from typing import NamedTuple

from persistence.database.pool import Database, Query
from persistence.database.view import View
from persistence.database.visibility import BEGINS, reads_privately, stays
from persistence.members.views import NotAMember
from persistence.messages.held import NoSuchMessage
from persistence.messages.views import NotAllowed
from shared.clock import iso

MOST = 1000

# Who was let in with all that was said before sees it from its beginning, as a founder does: only the time of their
# coming tells the two apart.
_READERS = Query(
    "message_receipts",
    f"""
WITH asked AS (
    SELECT c.is_group, m.seq, m.sender_id, m.created_at, {reads_privately("$2")} AS sees_no_reads FROM participants p
    JOIN conversations c ON c.id = p.conversation_id
    LEFT JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
    WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")}
)
SELECT asked.is_group, asked.seq, asked.sender_id, o.user_id,
       o.read_seq >= asked.seq AND asked.sees_no_reads IS NULL AS has_read, h.read_at
FROM asked LEFT JOIN LATERAL (
    SELECT o.user_id, o.delivered_seq, o.read_seq FROM participants o
    WHERE o.conversation_id = $1 AND o.user_id <> asked.sender_id AND o.delivered_seq >= asked.seq
        AND o.joined_seq < asked.seq AND (o.joined_seq > 0 OR o.joined_at <= asked.created_at)
        AND ({stays("o")} OR o.left_at > asked.created_at)
    ORDER BY o.user_id LIMIT $4
) AS o ON true LEFT JOIN (
    SELECT v.user_id, min(v.moved_at) AS read_at FROM cursor_moves v, asked
    WHERE v.conversation_id = $1 AND v.moved_at >= asked.created_at AND v.read_seq >= asked.seq GROUP BY v.user_id
) AS h ON h.user_id = o.user_id
ORDER BY o.user_id
""",
)


class Had(View, frozen=True):
    user_id: str


class Read(View, frozen=True, omit_defaults=True):
    """`at` is left out where it is not known any more, two days later."""

    user_id: str
    at: str | None = None


class Readers(NamedTuple):
    delivered: list[Had]
    read: list[Read]


async def readers(
    database: Database, conversation_id: str, user_id: str, message_id: str
) -> Readers | NotAMember | NoSuchMessage | NotAllowed:
    """Without the sender; who read it has it, too. Of another's message in a conversation of two nothing is told: the
    only other one is the caller."""
    rows = await _READERS.rows(database, conversation_id, user_id, message_id, MOST)
    if not rows:
        return NotAMember()
    if rows[0]["seq"] is None:
        return NoSuchMessage()
    if not rows[0]["is_group"] and rows[0]["sender_id"] != user_id:
        return NotAllowed()
    found = [row for row in rows if row["user_id"] is not None]
    return Readers(
        [Had(row["user_id"]) for row in found],
        [
            Read(row["user_id"], None if row["read_at"] is None else iso(row["read_at"]))
            for row in found
            if row["has_read"]
        ],
    )
