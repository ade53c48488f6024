"""What is left of a message that is deleted or past its time: its place. The one home of what goes with it."""

from collections.abc import Sequence
from typing import Final

from persistence.attachments import references
from persistence.database.pool import Connection, Query, columns
from persistence.log.logged import Key
from persistence.messages.views import Message

# The row stays, for what numbers and connects it.
_BLANK: Final = """text = '', media_url = NULL, data = NULL, reactions = NULL, is_pinned = false, opaque = false,
    edited_at = NULL, mentions = NULL, notified = NULL, extra = NULL, expires_at = NULL, attachments = NULL,
    placeholder = NULL"""


def unfound(gone: str) -> str:
    """Takes from what can be found these messages (SQL that gives conversation_id and seq) of which the caller holds
    the rows. Whoever makes something findable holds the message too, so nothing comes back after it."""
    return f"""
    DELETE FROM search s USING ({gone}) AS g JOIN messages f ON f.conversation_id = g.conversation_id AND f.seq = g.seq
    WHERE s.conversation_id = f.conversation_id AND s.created_at = f.created_at AND s.seq = f.seq"""


ONE: Final = "SELECT $1::uuid AS conversation_id, $2::bigint AS seq"
_MANY: Final = "SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS w(conversation_id, seq)"

# The rows' locks were taken by an earlier statement: these see all that there is.
_DELETED = Query(
    "erase_message",
    f"""
WITH unfound AS ({unfound(ONE)}
)
UPDATE messages SET {_BLANK}, deleted_at = now.at, updated_at = now.at, deleted_by = $3, deleted_as = $4
FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS at) AS now
WHERE conversation_id = $1 AND seq = $2
""",
)

_EXPIRED = Query(
    "erase_expired",
    f"""
WITH unfound AS ({unfound(_MANY)}
)
UPDATE messages m SET {_BLANK}, deleted_at = m.expires_at, deleted_as = 'retention',
    updated_at = date_trunc('milliseconds', clock_timestamp())
FROM unnest($1::uuid[], $2::bigint[]) AS w(conversation_id, seq)
WHERE m.conversation_id = w.conversation_id AND m.seq = w.seq
""",
)

_FACETS = Query(
    "erase_facets",
    """
WITH gone AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS w(conversation_id, seq)
), edits AS (
    DELETE FROM message_edits e USING gone WHERE e.conversation_id = gone.conversation_id AND e.message_seq = gone.seq
)
DELETE FROM reactions r USING gone WHERE r.conversation_id = gone.conversation_id AND r.message_seq = gone.seq
""",
)


async def deleted(connection: Connection, message: Message, by: str | None, role: str) -> None:
    """Erases a message of which the caller holds the row; `by` did it (None: nobody is named), as what `role` says."""
    key = message.conversation_id, message.seq
    await _DELETED.rows(connection, *key, by, role)
    if message.attachments:
        await references.drop(connection, message.conversation_id, [message.seq])
    if message.rev > message.seq:  # nothing else was ever done to it
        await _FACETS.rows(connection, *columns([key], 2))


async def expired(connection: Connection, keys: Sequence[Key], with_files: Sequence[Key]) -> None:
    """Erases messages whose time is over, of which the caller holds the rows. Some of them have files."""
    await _EXPIRED.rows(connection, *columns(keys, 2))
    await _FACETS.rows(connection, *columns(keys, 2))
    if with_files:
        await references.drop_of_many(connection, with_files)
