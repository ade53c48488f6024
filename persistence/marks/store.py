"""Marks of a conversation, each a member's own. None of them is written by a send: what ends one is derived."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from persistence.database.pool import Pool, Query, Row, transaction
from persistence.database.visibility import ARCHIVED, MARKED_UNREAD, OWN_READ
from persistence.members.views import NotAMember

MARKS: Final = f"{ARCHIVED} AS is_archived, p.pinned AS is_pinned, {MARKED_UNREAD} AS is_marked_unread"

_HOLD = Query(
    "hold_marks",
    f"""
SELECT {MARKS} FROM participants p JOIN conversations c ON c.id = p.conversation_id
WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_at IS NULL FOR NO KEY UPDATE OF p
""",
)


class Mark(Enum):
    """The column that tells of it."""

    ARCHIVED = "is_archived"
    PINNED = "is_pinned"
    UNREAD = "is_marked_unread"


def _change(name: str, change: str) -> Query:
    return Query(
        name,
        f"""
UPDATE participants p SET {change} FROM conversations c
WHERE p.conversation_id = $1 AND p.user_id = $2 AND c.id = p.conversation_id
RETURNING {MARKS}
""",
    )


_SET: Final[Mapping[tuple[Mark, bool], Query]] = MappingProxyType(
    {
        (Mark.ARCHIVED, True): _change("archive", "archived_ordinal = c.last_ordinal"),
        (Mark.ARCHIVED, False): _change("unarchive", "archived_ordinal = NULL"),
        (Mark.PINNED, True): _change("pin_conversation", "pinned = true"),
        (Mark.PINNED, False): _change("unpin_conversation", "pinned = false"),
        (Mark.UNREAD, True): _change("mark_unread", f"unread_seq = {OWN_READ}"),
        (Mark.UNREAD, False): _change("unmark_unread", "unread_seq = NULL"),
    }
)


class Marks(NamedTuple):
    """How the user keeps the conversation."""

    is_archived: bool
    is_pinned: bool
    is_marked_unread: bool

    @classmethod
    def of(cls, row: Row) -> "Marks":
        return cls(row["is_archived"], row["is_pinned"], row["is_marked_unread"])


class Marked(NamedTuple):
    """`is_news`: it was not so before."""

    marks: Marks
    is_news: bool


async def mark(pool: Pool, conversation_id: str, user_id: str, mark: Mark, *, on: bool) -> Marked | NotAMember:
    """Sets it, or takes it off, from now on: a message that commits meanwhile brings an archived one back."""
    async with transaction(pool) as connection:
        before = await _HOLD.row(connection, conversation_id, user_id)
        if before is None:
            return NotAMember()
        if before[mark.value] == on:
            return Marked(Marks.of(before), is_news=False)
        [row] = await _SET[mark, on].rows(connection, conversation_id, user_id)
    return Marked(Marks.of(row), is_news=True)
