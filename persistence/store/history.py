"""A conversation's history, as one of its participants sees it: by page, or by what lies before or after a seq."""

from collections.abc import Sequence

from persistence.store.database import Database, Query, Row
from persistence.store.message_rows import COLUMNS, REACH, with_status
from persistence.store.views import HistoryPage, Message, NotAMember
from persistence.store.visibility import BEGINS, BEGINS_ORDINAL


def _history(name: str, window: str) -> Query:
    """The user's own row first decides what they see; it is there also where no message is."""
    return Query(
        name,
        f"""
WITH me AS (
    SELECT {BEGINS} AS begins, c.last_ordinal - {BEGINS_ORDINAL} AS total, c.last_seq
    FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_at IS NULL
)
SELECT me.total, me.last_seq, reach.*, {COLUMNS}
FROM me CROSS JOIN ({REACH.format(conversation="$1")}) AS reach LEFT JOIN LATERAL (
    SELECT * FROM messages w WHERE w.conversation_id = $1 AND w.seq > me.begins {window}
) AS m ON true LEFT JOIN users u ON u.id = m.sender_id
ORDER BY m.seq
""",
    )


_PAGE = _history("history_page", "ORDER BY w.seq DESC OFFSET $3 LIMIT $4")
_BEFORE = _history("history_before", "AND w.seq < $3 ORDER BY w.seq DESC LIMIT $4")
_AFTER = _history("history_after", "AND w.seq > $3 ORDER BY w.seq LIMIT $4")


async def page(
    database: Database, user_id: str, conversation_id: str, *, number: int, limit: int
) -> HistoryPage | NotAMember:
    """A page counted from the end: page 1 holds the newest. Costs as much as all newer ones do.

    What the user hid is not there, and not in the total either.
    """
    rows = await _PAGE.rows(database, conversation_id, user_id, (number - 1) * limit, limit)
    if not rows:
        return NotAMember()
    total = rows[0]["total"]
    return _page(rows, _messages(rows), has_more=number * limit < total)


async def before(
    database: Database, user_id: str, conversation_id: str, *, seq: int, limit: int
) -> HistoryPage | NotAMember:
    """The newest messages below this seq. `has_more` tells of older ones."""
    rows = await _BEFORE.rows(database, conversation_id, user_id, seq, limit + 1)
    if not rows:
        return NotAMember()
    messages = _messages(rows)
    return _page(rows, messages[-limit:], has_more=len(messages) > limit)


async def after(
    database: Database, user_id: str, conversation_id: str, *, seq: int, limit: int
) -> HistoryPage | NotAMember:
    """The oldest messages above this seq. `has_more` tells of newer ones."""
    rows = await _AFTER.rows(database, conversation_id, user_id, seq, limit + 1)
    if not rows:
        return NotAMember()
    messages = _messages(rows)
    return _page(rows, messages[:limit], has_more=len(messages) > limit)


def _page(rows: Sequence[Row], messages: list[Message], *, has_more: bool) -> HistoryPage:
    return HistoryPage(messages, rows[0]["total"], has_more, rows[0]["last_seq"])


def _messages(rows: Sequence[Row]) -> list[Message]:
    return [with_status(row) for row in rows if row["id"] is not None]
