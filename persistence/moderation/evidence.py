"""A copy of what is reported, made from the database in the report's transaction: never from what a reporter says."""

from typing import NamedTuple

import msgspec

from persistence.database.pool import Connection, Query, Row
from persistence.database.view import View
from persistence.database.visibility import BEGINS
from shared.clock import iso, iso_or_none

BEFORE, AFTER = 10, 5
"""Messages of what stood around it."""
CONTEXT_CHARACTERS = 2000
"""Of the text of each of those."""

_COLUMNS = """m.id, m.conversation_id, m.seq, m.sender_id, u.handle AS sender_handle, m.media_url, m.reply_to,
    m.created_at, m.edited_at, m.deleted_at, m.opaque"""

# Whoever was in the conversation saw what came above where their view begins, until they left.
_SEEN = f"""
    SELECT {BEGINS} AS begins, p.left_at FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = $1 AND p.user_id = $2
"""
_MESSAGE = Query(
    "reported_message",
    f"""
WITH me AS ({_SEEN})
SELECT m.text, {_COLUMNS} FROM me LEFT JOIN messages m ON m.conversation_id = $1 AND m.id = $3 AND m.seq > me.begins
    AND (me.left_at IS NULL OR m.created_at <= me.left_at)
LEFT JOIN users u ON u.id = m.sender_id
""",
)
_AROUND = Query(
    "reported_context",
    f"""
WITH me AS ({_SEEN})
SELECT left(m.text, {CONTEXT_CHARACTERS}) AS text, {_COLUMNS} FROM me CROSS JOIN LATERAL (
    (SELECT * FROM messages m WHERE m.conversation_id = $1 AND m.seq < $3 AND m.seq > me.begins
     ORDER BY m.seq DESC LIMIT {BEFORE})
    UNION ALL
    (SELECT * FROM messages m WHERE m.conversation_id = $1 AND m.seq > $3
         AND (me.left_at IS NULL OR m.created_at <= me.left_at) ORDER BY m.seq LIMIT {AFTER})
) AS m LEFT JOIN users u ON u.id = m.sender_id ORDER BY m.seq
""",
)
_PERSON = Query(
    "reported_user",
    """
SELECT u.id, u.handle, u.display_name, u.avatar_url FROM users u WHERE u.id = $2 AND u.id <> $1 AND EXISTS (
    SELECT FROM participants mine JOIN participants theirs USING (conversation_id)
    WHERE mine.user_id = $1 AND theirs.user_id = $2)
""",
)


class CopiedMessage(View, frozen=True):
    """As the message stood. `deletedAt`: it was a tombstone by then. `messageKey` came from the reporter, for a message
    that the server cannot read; `verified`: it opens what is stored."""

    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender_handle: str | None
    text: str
    media_url: str | None
    reply_to: str | None
    created_at: str
    edited_at: str | None
    deleted_at: str | None
    opaque: bool
    message_key: str | None = None
    verified: bool = False


class CopiedPerson(View, frozen=True):
    """As others saw the user."""

    id: str
    handle: str | None
    display_name: str | None
    avatar_url: str | None


class Evidence(NamedTuple):
    """`copy` and `context` are JSON. `user_id`: whom it is about."""

    user_id: str
    copy: str
    context: str = "[]"


class NotShared(NamedTuple):
    """The reporter never was in that conversation, or never shared one with that user."""


class NotSeen(NamedTuple):
    """There is no such message in what the reporter saw of the conversation."""


async def of_message(
    connection: Connection, reporter: str, conversation_id: str, message_id: str, message_key: str | None
) -> Evidence | NotShared | NotSeen:
    row = await _MESSAGE.row(connection, conversation_id, reporter, message_id)
    if row is None:
        return NotShared()
    if row["id"] is None:
        return NotSeen()
    around = await _AROUND.rows(connection, conversation_id, reporter, row["seq"])
    copied = msgspec.structs.replace(_copied(row), message_key=message_key)
    return Evidence(row["sender_id"], _json(copied), _json([_copied(each) for each in around]))


async def of_user(connection: Connection, reporter: str, user_id: str) -> Evidence | NotShared:
    row = await _PERSON.row(connection, reporter, user_id)
    return NotShared() if row is None else Evidence(user_id, _json(CopiedPerson(**dict(row))))


def _copied(row: Row) -> CopiedMessage:
    times = {name: iso_or_none(row[name]) for name in ("edited_at", "deleted_at")}
    return CopiedMessage(**{**dict(row), **times, "created_at": iso(row["created_at"])})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
