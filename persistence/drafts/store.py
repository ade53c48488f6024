"""Drafts: one for each of a user's conversations, and of two that are written at once the newer stands everywhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.database.view import View
from persistence.members.views import NotAMember
from persistence.messages.held import AtLimit
from shared.clock import iso

MOST = 200
"""Drafts of one user."""

_COLUMNS = "d.conversation_id, d.text, d.reply_to, d.attachments, d.updated_at"

# The weakest lock that a purge waits for: a draft must not be written into a conversation that is being removed, and a
# send of the same user is not held up. Then the user's row, so that two devices do not both take the last place.
_HOLD = (
    Query(
        "hold_draft_member",
        "SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL FOR KEY SHARE",
    ),
    Query("hold_draft_user", "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"),
)

_READ = Query("draft", f"SELECT {_COLUMNS} FROM drafts d WHERE d.conversation_id = $1 AND d.user_id = $2")
_COUNT = Query("count_drafts", "SELECT count(*) AS n FROM drafts WHERE user_id = $1 AND text IS NOT NULL")

# A clock that is ahead must not win against all later words: what lies in the future was written now.
_PUT = Query(
    "put_draft",
    f"""
INSERT INTO drafts AS d (conversation_id, user_id, text, reply_to, attachments, updated_at)
VALUES ($1, $2, $3, $4, $5, date_trunc('milliseconds', least($6::timestamptz, clock_timestamp())))
ON CONFLICT (conversation_id, user_id) DO UPDATE
SET text = excluded.text, reply_to = excluded.reply_to, attachments = excluded.attachments,
    updated_at = excluded.updated_at
WHERE excluded.updated_at > d.updated_at
RETURNING {_COLUMNS}
""",
)

_LIST = Query(
    "drafts",
    f"""
SELECT {_COLUMNS} FROM drafts d
JOIN participants p ON p.conversation_id = d.conversation_id AND p.user_id = d.user_id AND p.left_at IS NULL
WHERE d.user_id = $1 AND d.text IS NOT NULL ORDER BY d.updated_at DESC, d.conversation_id LIMIT {MOST}
""",
)


class Draft(View, frozen=True):
    """What its user has begun to write in a conversation; `text` None: nothing any more."""

    conversation_id: str
    text: str | None
    reply_to: str | None
    attachments: list[str]
    updated_at: str

    @property
    def is_gone(self) -> bool:
        return self.text is None


class Wanted(NamedTuple):
    """A draft as a device has it; `text` None: it is gone. `updated_at` is that device's clock."""

    text: str | None
    reply_to: str | None
    attachments: Sequence[str]
    updated_at: datetime


class Stands(NamedTuple):
    """How it stands; None: there was never one. `is_news`: it is what was just put."""

    draft: Draft | None
    is_news: bool


async def put(pool: Pool, conversation_id: str, user_id: str, wanted: Wanted) -> Stands | NotAMember | AtLimit:
    """The newest stands: where another one is as new or newer, that one is given and nothing changes."""
    async with transaction(pool) as connection:
        hold_member, hold_user = _HOLD
        if await hold_member.row(connection, conversation_id, user_id) is None:
            return NotAMember()
        await hold_user.rows(connection, user_id)
        before = await _READ.row(connection, conversation_id, user_id)
        if wanted.text is None and before is None:
            return await _gone_anyway(connection, conversation_id, user_id, wanted)
        if _takes_place(wanted, before) and await _is_full(connection, user_id):
            return AtLimit(f"{MOST} drafts")
        row = await _put(connection, conversation_id, user_id, wanted)
    return Stands(_draft(row or before), is_news=row is not None)


async def _gone_anyway(connection: Connection, conversation_id: str, user_id: str, wanted: Wanted) -> Stands:
    """An older one that some device still holds is to find that it came too late."""
    await _put(connection, conversation_id, user_id, wanted)
    return Stands(None, is_news=False)


async def _put(connection: Connection, conversation_id: str, user_id: str, wanted: Wanted) -> Row | None:
    fields = wanted.text, wanted.reply_to, list(wanted.attachments), wanted.updated_at
    return await _PUT.row(connection, conversation_id, user_id, *fields)


def _takes_place(wanted: Wanted, before: Row | None) -> bool:
    return wanted.text is not None and (before is None or before["text"] is None)


async def _is_full(connection: Connection, user_id: str) -> bool:
    row = await _COUNT.row(connection, user_id)
    assert row is not None, "a count has a row"
    return int(row["n"]) >= MOST


async def listed(database: Database, user_id: str) -> list[Draft]:
    """The user's drafts, the latest first; none of a conversation that they are not in."""
    return [_known(row) for row in await _LIST.rows(database, user_id)]


def _draft(row: Row | None) -> Draft | None:
    return None if row is None else _known(row)


def _known(row: Row) -> Draft:
    return Draft(row["conversation_id"], row["text"], row["reply_to"], row["attachments"], iso(row["updated_at"]))
