"""The log of each conversation: its head, and its durable events as the frames that they were published as."""

from collections.abc import Iterable, Sequence

import msgspec

from persistence.store.database import Database, Query, Row
from persistence.store.message_rows import COLUMNS, message_of
from persistence.store.views import Message
from shared import frames
from shared.api import MAX_EVENTS, EventsAnswer, HeadsAnswer, LoggedEvent
from shared.clock import to_us

# One statement is one snapshot: no head is older than another, nor than a version.
_HEADS = Query(
    "heads",
    """
SELECT 'epoch' AS kind, epoch AS id, 0::bigint AS number FROM meta
UNION ALL SELECT 'head', id, last_seq FROM conversations WHERE id = ANY ($1::uuid[])
UNION ALL SELECT 'version', id, version FROM users WHERE id = ANY ($2::uuid[])
""",
)

_EVENTS = Query(
    "events",
    f"""
SELECT c.last_seq, meta.epoch, {COLUMNS}
FROM conversations c CROSS JOIN meta LEFT JOIN LATERAL (
    SELECT * FROM messages e WHERE e.conversation_id = c.id AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4
) AS m ON true LEFT JOIN users u ON u.id = m.sender_id
WHERE c.id = $1 ORDER BY m.seq
""",
)


async def heads(database: Database, conversation_ids: Iterable[str], user_ids: Iterable[str]) -> HeadsAnswer:
    """Heads of conversations and versions of memberships, on the primary and of one moment."""
    rows = await _HEADS.rows(database, list(conversation_ids), list(user_ids))
    return HeadsAnswer(
        epoch=next(row["id"] for row in rows if row["kind"] == "epoch"),
        heads={row["id"]: row["number"] for row in rows if row["kind"] == "head"},
        versions={row["id"]: row["number"] for row in rows if row["kind"] == "version"},
    )


async def events(
    database: Database, conversation_id: str, *, after: int, up_to: int, limit: int = MAX_EVENTS
) -> EventsAnswer | None:
    """The events with after < seq <= up_to, at most `limit`, from after + 1 on without a hole.

    `complete` is true only if the last one given is `up_to`. None: there is no such conversation.
    """
    rows = await _EVENTS.rows(database, conversation_id, after, up_to, limit)
    if not rows:
        return None
    found = unbroken([row for row in rows if row["id"] is not None], after)
    return EventsAnswer(
        epoch=rows[0]["epoch"],
        events=[
            LoggedEvent(
                seq=row["seq"],
                sender_id=row["sender_id"],
                committed_us=to_us(row["created_at"]),
                frame=msgspec.Raw(frame_of(message_of(row))),
            )
            for row in found
        ],
        last_seq=rows[0]["last_seq"],
        complete=after + len(found) >= up_to,
    )


def unbroken(rows: Sequence[Row], after: int) -> Sequence[Row]:
    """The rows before the first hole: what comes behind one must not look as if nothing was missing."""
    for index, row in enumerate(rows):
        if row["seq"] != after + index + 1:
            return rows[:index]
    return rows


def frame_of(message: Message) -> bytes:
    """The finished `message.new`: byte for byte the same when it is published, relayed, fetched and synced."""
    return frames.message_new(
        conversation_id=message.conversation_id,
        message_id=message.id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender_handle=message.sender_handle,
        text=message.text,
        client_id=message.client_id,
        reply_to=message.reply_to,
        media_url=message.media_url,
        created_at=message.created_at,
    )
