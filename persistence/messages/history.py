"""A conversation's history, as one of its participants sees it: by page, or by what lies before, after or around a seq;
all of it, or the pinned, or the replies to a message."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from persistence.database.pool import Database, Query, Row
from persistence.database.visibility import BEGINS, BEGINS_ORDINAL, is_hidden, stands, stays
from persistence.members.views import NotAMember
from persistence.messages.rows import REACH, columns, with_status
from persistence.messages.views import HiddenMessage, HistoryPage, Message

Shown = Message | HiddenMessage


class Which(Enum):
    """Of which messages a page is: the condition on a message `w`."""

    ALL = ""
    PINNED = f"AND w.is_pinned AND {stands('w')}"
    FILES = f"AND w.attachments IS NOT NULL AND {stands('w')}"
    REPLIES = "AND w.reply_to = $6"
    PINNED_FILES = f"{PINNED} {FILES}"
    PINNED_REPLIES = f"{PINNED} {REPLIES}"
    FILES_REPLIES = f"{FILES} {REPLIES}"
    PINNED_FILES_REPLIES = f"{PINNED} {FILES} {REPLIES}"


class Choice(NamedTuple):
    """`reply_to` is for those whose name has REPLIES."""

    which: Which = Which.ALL
    reply_to: str | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        return () if self.reply_to is None else (self.reply_to,)


EVERYTHING = Choice()

# $3 is a seq or an offset, $4 and $5 how many. The newest below a seq, the oldest above one, and both.
_WINDOWS = {
    "page": "{some} ORDER BY w.seq DESC OFFSET $3 LIMIT $4::bigint + $5::bigint",
    "before": "{some} AND w.seq < $3 ORDER BY w.seq DESC LIMIT $4::bigint + $5::bigint",
    "after": "{some} AND w.seq > $3 ORDER BY w.seq LIMIT $4::bigint + $5::bigint",
    "around": "({some} AND w.seq < $3 ORDER BY w.seq DESC LIMIT $4)"
    " UNION ALL ({some} AND w.seq >= $3 ORDER BY w.seq LIMIT $5)",
}


def _history(window: str, which: Which) -> Query:
    """The user's own row first decides what they see; it is there also where no message is.

    A page of all holds a place for what the user hid; of a choice that is left out.
    """
    seen, total = "", f"c.last_ordinal - {BEGINS_ORDINAL}"
    if which is not Which.ALL:
        seen = f"{which.value} AND (CASE WHEN me.hid_messages THEN {is_hidden('w', '$2')} END) IS NULL"
        counted = "SELECT count(*) FROM messages w WHERE w.conversation_id = $1"
        total = f"({counted} AND w.seq > {BEGINS} {which.value})"
    some = f"SELECT * FROM messages w WHERE w.conversation_id = $1 AND w.seq > me.begins {seen}"
    return Query(
        f"history_{window}" if which is Which.ALL else f"history_{window}_{which.name.lower()}",
        f"""
WITH me AS (
    SELECT {BEGINS} AS begins, {total} AS total, c.last_seq, p.hid_messages
    FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")}
)
SELECT me.total, me.last_seq, reach.*, {columns("$2")}, CASE WHEN me.hid_messages THEN {is_hidden("m", "$2")} END AS hid
FROM me CROSS JOIN ({REACH.format(conversation="$1", viewer="$2")}) AS reach LEFT JOIN LATERAL (
    {_WINDOWS[window].format(some=some)}
) AS m ON true LEFT JOIN users u ON u.id = m.sender_id
ORDER BY m.seq
""",
    )


_HISTORY = {(window, which): _history(window, which) for window in _WINDOWS for which in Which}


async def page(
    database: Database,
    user_id: str,
    conversation_id: str,
    *,
    number: int,
    limit: int,
    choice: Choice = EVERYTHING,
) -> HistoryPage | NotAMember:
    """A page counted from the end: page 1 holds the newest. Costs as much as all newer ones do.

    What the user cleared is not there, and not in the total either.
    """
    skipped = (number - 1) * limit
    rows = await _rows(database, "page", choice, conversation_id, user_id, skipped, limit, 0)
    return _page(rows, slice(None), has_more=number * limit < rows[0]["total"]) if rows else NotAMember()


async def before(
    database: Database, user_id: str, conversation_id: str, *, seq: int, limit: int, choice: Choice = EVERYTHING
) -> HistoryPage | NotAMember:
    """The newest messages below this seq. `has_more` tells of older ones."""
    rows = await _rows(database, "before", choice, conversation_id, user_id, seq, limit, 1)
    return _page(rows, slice(-limit, None), has_more=len(rows) > limit) if rows else NotAMember()


async def after(
    database: Database, user_id: str, conversation_id: str, *, seq: int, limit: int, choice: Choice = EVERYTHING
) -> HistoryPage | NotAMember:
    """The oldest messages above this seq. `has_more` tells of newer ones."""
    rows = await _rows(database, "after", choice, conversation_id, user_id, seq, limit, 1)
    return _page(rows, slice(limit), has_more=len(rows) > limit) if rows else NotAMember()


async def around(
    database: Database, user_id: str, conversation_id: str, *, seq: int, limit: int, choice: Choice = EVERYTHING
) -> HistoryPage | NotAMember:
    """The newest messages below this seq, half of the limit, and the oldest from it on. `has_more` tells of others on
    either side."""
    half = limit // 2
    rows = await _rows(database, "around", choice, conversation_id, user_id, seq, half + 1, limit - half + 1)
    if not rows:
        return NotAMember()
    below = sum(row["id"] is not None and row["seq"] < seq for row in rows)
    begin = 1 if below > half else 0
    end = begin + min(below, half) + (limit - half)
    return _page(rows, slice(begin, end), has_more=begin > 0 or len(rows) > end)


async def _rows(database: Database, window: str, choice: Choice, *arguments: Any) -> list[Row]:
    return await _HISTORY[window, choice.which].rows(database, *arguments, *choice.arguments)


def _page(rows: Sequence[Row], part: slice, *, has_more: bool) -> HistoryPage:
    messages = [_shown(row) for row in rows if row["id"] is not None]
    return HistoryPage(messages[part], rows[0]["total"], has_more, rows[0]["last_seq"])


def _shown(row: Row) -> Shown:
    return HiddenMessage(row["id"], row["seq"]) if row["hid"] else with_status(row)
