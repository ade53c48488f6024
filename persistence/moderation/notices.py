"""What was done to somebody, and why: told to their devices, and kept for them to read."""

from datetime import UTC, datetime
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Query
from persistence.database.view import View
from shared import frames
from shared.clock import iso, iso_or_none, to_us
from shared.ids import new_id

_PUT = Query(
    "notice",
    """
INSERT INTO notices (user_id, id, action, reason, until, conversation_id, message_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
""",
)
_PAGE = Query(
    "notices",
    """
SELECT * FROM notices WHERE user_id = $1 AND ($2::bigint IS NULL OR (created_at, id) < (
    timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::uuid))
ORDER BY created_at DESC, id DESC LIMIT $4
""",
)


class Notice(NamedTuple):
    """To this user: this was done, until then (None: for good, or at once) and in this conversation, for a reason."""

    user_id: str
    action: str
    reason: str
    until: datetime | None = None
    conversation_id: str | None = None
    message_id: str | None = None

    def frame(self) -> bytes:
        return frames.moderation_notice(
            action=self.action,
            reason=self.reason,
            until=iso_or_none(self.until),
            conversation_id=self.conversation_id,
            message_id=self.message_id,
        )


class KeptNotice(View, frozen=True):
    """`until` null: for good, or it was done at once. `conversationId` and `messageId`: what it concerns."""

    id: str
    action: str
    reason: str
    until: str | None
    conversation_id: str | None
    message_id: str | None
    created_at: str


class Place(NamedTuple):
    created_us: int
    id: str

    def to_cursor(self) -> str:
        return f"{self.created_us}.{self.id}"

    @classmethod
    def from_cursor(cls, text: str) -> "Place":
        created_us, _, notice_id = text.partition(".")
        return cls(int(created_us), notice_id.lower())


class NoticePage(NamedTuple):
    notices: list[KeptNotice]
    next: Place | None


async def put(connection: Connection, notice: Notice) -> None:
    """In the transaction of what it tells of."""
    told = (notice.action, notice.reason, notice.until, notice.conversation_id, notice.message_id)
    await _PUT.rows(connection, notice.user_id, new_id(), *told)


async def page(database: Database, user_id: str, *, after: Place | None, limit: int) -> NoticePage:
    """The newest first."""
    place = after or (None, None)
    rows = await _PAGE.rows(database, user_id, *place, limit + 1)
    shown = [
        KeptNotice(
            row["id"],
            row["action"],
            row["reason"],
            iso_or_none(row["until"]),
            row["conversation_id"],
            row["message_id"],
            iso(row["created_at"]),
        )
        for row in rows[:limit]
    ]
    if len(rows) <= limit:
        return NoticePage(shown, None)
    last = rows[limit - 1]
    return NoticePage(shown, Place(to_us(last["created_at"].astimezone(UTC)), last["id"]))
