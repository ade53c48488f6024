"""Writing into the log what is no message."""

from collections.abc import Sequence

import msgspec

from persistence.database.pool import Connection, Query
from persistence.log.logged import Logged
from persistence.log.rows import NAMES, STATE, logged_as
from shared.events.kind import Body, Compact, EventKind

MOST_BODY_BYTES = 1024 * 1024 + 64 * 1024
"""What a body may take: 1 MiB of an app's own, and the names around it."""

# The conversation's lock orders this event among the sends. Only last_seq moves: an event that is no message counts
# nowhere. Its time never lies before a message's that came before it.
_APPEND = Query(
    "append_event",
    f"""
WITH head AS (
    UPDATE conversations c SET last_seq = c.last_seq + 1 WHERE c.id = $1
    RETURNING c.last_seq AS seq,
              greatest(coalesce(c.latest_at, c.updated_at), date_trunc('milliseconds', clock_timestamp())) AS at
), event AS (
    INSERT INTO events (conversation_id, seq, kind, people, created_at, sender_id, message_id, removed, body, named)
    SELECT $1, head.seq, $3, $6, head.at, $2, $4, $7, $5, $9 FROM head
    RETURNING *
), noted AS (
    INSERT INTO outbox (conversation_id, seq, created_at) SELECT $1, seq, created_at FROM event
), touched AS (
    UPDATE messages m SET rev = event.seq FROM event WHERE $8 AND m.conversation_id = $1 AND m.id = $4 RETURNING m.*
)
SELECT e.conversation_id, e.seq, e.kind, e.sender_id, e.created_at, e.message_id, e.people, e.removed, e.body AS stored,
       {NAMES}, {STATE}, u.handle AS sender_handle
FROM event e LEFT JOIN touched m ON true
LEFT JOIN users u ON u.id = e.sender_id
""",
)

_TOUCHES = Compact.IN_MESSAGE
_encode = msgspec.json.Encoder().encode


class NoConversation(LookupError):
    """The conversation was purged meanwhile: nothing was written, and the caller answers as for one that never was."""


async def append(
    connection: Connection,
    conversation_id: str,
    sender_id: str,
    kind: EventKind,
    body: Body,
    message_id: str | None = None,
    *,
    people: int = 0,
    removed: Sequence[str] = (),
    named: Sequence[str] = (),
) -> Logged:
    """The event with the conversation's next seq, for `Delivery.logged` after the commit.

    To be the last statement of the caller's transaction: from here to its commit the conversation's row is locked, and
    every send into it waits. The caller holds what comes before it in the order of locks (participants, then message
    rows: also the one that an `IN_MESSAGE` event touches, whose `rev` becomes the seq). A rollback takes the seq back.
    `people` and `removed` as in `Logged`; `named` are those whose names the frame shows. Raises NoConversation;
    ValueError for a body of another kind, or above MOST_BODY_BYTES.
    """
    if not isinstance(body, kind.body):
        raise ValueError(f"{kind.name} has another body than {type(body).__name__}")
    stored = _encode(body)
    if len(stored) > MOST_BODY_BYTES:
        raise ValueError(f"the body of {kind.name} has {len(stored)} bytes")
    gone = list(removed) or None
    touches = kind.compact is _TOUCHES
    event = sender_id, kind.code, message_id, stored, people, gone, touches, list(named) or None
    row = await _APPEND.row(connection, conversation_id, *event)
    if row is None:
        raise NoConversation(conversation_id)
    return logged_as(kind, row)
