"""Messages that a user saved: what of them they may still see."""

from datetime import UTC, datetime
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.database.visibility import BEGINS, is_hidden, stands
from persistence.messages.held import AtLimit, Deleted, NoSuchMessage
from persistence.messages.rows import REACH, columns, with_status
from persistence.messages.views import Message
from shared.ids import canonical_id

MOST = 5000
"""Of one user."""

# As for drafts: a purge waits for it, a send of the same user does not.
_HOLD = (
    Query(
        "hold_saved_member",
        """
SELECT FROM messages m JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = $2
WHERE m.id = $1 AND p.left_at IS NULL FOR KEY SHARE OF p
""",
    ),
    Query("hold_saved_user", "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"),
)

_SEEN = f"m.seq > {BEGINS} AND (CASE WHEN p.hid_messages THEN {is_hidden('m', 'p.user_id')} END) IS NULL"

_READ = Query(
    "message_to_save",
    f"""
SELECT m.conversation_id, m.seq, NOT {stands("m")} AS is_deleted, s.message_id IS NOT NULL AS is_saved
FROM messages m JOIN participants p ON p.conversation_id = m.conversation_id AND p.user_id = $2 AND p.left_at IS NULL
JOIN conversations c ON c.id = m.conversation_id
LEFT JOIN saved_messages s ON s.conversation_id = m.conversation_id AND s.user_id = $2 AND s.message_seq = m.seq
WHERE m.id = $1 AND {_SEEN}
""",
)

_COUNT = Query("count_saved", "SELECT count(*) AS n FROM saved_messages WHERE user_id = $1")

# What was deleted takes no place for ever: looked for only by who has no place left.
_FORGET_DELETED = Query(
    "forget_saved",
    f"""
DELETE FROM saved_messages s USING messages m
WHERE s.user_id = $1 AND m.conversation_id = s.conversation_id AND m.seq = s.message_seq AND NOT {stands("m")}
""",
)

_SAVE = Query(
    "save_message",
    """
INSERT INTO saved_messages (conversation_id, user_id, message_seq, message_id, saved_at)
VALUES ($1, $2, $3, $4, date_trunc('milliseconds', clock_timestamp())) ON CONFLICT DO NOTHING
""",
)

_UNSAVE = Query(
    "unsave_message", "DELETE FROM saved_messages WHERE user_id = $1 AND message_id = $2 RETURNING message_id"
)

_PAGE = Query(
    "saved_page",
    f"""
SELECT s.saved_at, c.last_seq, reach.*, {columns("$1")}
FROM saved_messages s JOIN participants p
    ON p.conversation_id = s.conversation_id AND p.user_id = s.user_id AND p.left_at IS NULL
JOIN conversations c ON c.id = s.conversation_id
JOIN messages m ON m.conversation_id = s.conversation_id AND m.seq = s.message_seq AND {stands("m")}
LEFT JOIN users u ON u.id = m.sender_id
CROSS JOIN LATERAL ({REACH.format(conversation="s.conversation_id", viewer="$1")}) AS reach
WHERE s.user_id = $1 AND {_SEEN} AND ($2::timestamptz IS NULL OR (s.saved_at, s.message_id) < ($2, $3::uuid))
ORDER BY s.saved_at DESC, s.message_id DESC LIMIT $4
""",
)


class Saved(NamedTuple):
    """`is_news`: it was not so before."""

    is_news: bool


class Place(NamedTuple):
    """Where a page ended."""

    saved_ms: int
    message_id: str

    def to_cursor(self) -> str:
        return f"{self.saved_ms}.{self.message_id}"

    @classmethod
    def from_cursor(cls, text: str) -> "Place":
        """Of what `to_cursor` wrote; the pattern of cursors lets in nothing else."""
        digits, _, message_id = text.partition(".")
        known = canonical_id(message_id)
        assert known is not None, "the pattern of cursors holds a UUID"
        return cls(int(digits), known)

    @property
    def saved_at(self) -> datetime:
        return datetime.fromtimestamp(self.saved_ms / 1000, UTC)


class SavedPage(NamedTuple):
    """Latest saved first. `as_of_seq`: of each conversation, how far its log had come."""

    messages: list[Message]
    as_of_seq: dict[str, int]
    next: Place | None


async def save(pool: Pool, user_id: str, message_id: str) -> Saved | NoSuchMessage | Deleted | AtLimit:
    async with transaction(pool) as connection:
        hold_member, hold_user = _HOLD
        if await hold_member.row(connection, message_id, user_id) is None:
            return NoSuchMessage()
        await hold_user.rows(connection, user_id)
        row = await _READ.row(connection, message_id, user_id)
        if row is None:
            return NoSuchMessage()
        if row["is_saved"] or row["is_deleted"]:
            return Deleted() if row["is_deleted"] else Saved(is_news=False)
        if await _is_full(connection, user_id):
            return AtLimit(f"{MOST} saved messages")
        await _SAVE.rows(connection, row["conversation_id"], user_id, row["seq"], message_id)
    return Saved(is_news=True)


async def _is_full(connection: Connection, user_id: str) -> bool:
    if await _count(connection, user_id) < MOST:
        return False
    await _FORGET_DELETED.rows(connection, user_id)
    return await _count(connection, user_id) >= MOST


async def _count(connection: Connection, user_id: str) -> int:
    row = await _COUNT.row(connection, user_id)
    assert row is not None, "a count has a row"
    return int(row["n"])


async def unsave(database: Database, user_id: str, message_id: str) -> Saved:
    """Also what they see no more."""
    return Saved(is_news=await _UNSAVE.row(database, user_id, message_id) is not None)


async def page(database: Database, user_id: str, *, after: Place | None, limit: int) -> SavedPage:
    """Those that the user may still see: in it, not deleted, not cleared."""
    place = (None, None) if after is None else (after.saved_at, after.message_id)
    rows = await _PAGE.rows(database, user_id, *place, limit + 1)
    shown = rows[:limit]
    as_of = {row["conversation_id"]: row["last_seq"] for row in shown}
    return SavedPage([with_status(row) for row in shown], as_of, _place(shown[-1]) if len(rows) > limit else None)


def _place(row: Row) -> Place:
    return Place(round(row["saved_at"].timestamp() * 1000), row["id"])
