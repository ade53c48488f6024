"""`message.deleted`: a message is a tombstone now, for all."""

from shared.events.kind import Body, Compact, EventKind


class MessageDeleted(Body, frozen=True):
    """`by`: as what they did it; `author`, `admin`, `moderator`, `retention` or `erasure`. `deleted_by` None: nobody
    did."""

    message_id: str
    message_seq: int
    deleted_by: str | None
    by: str


MESSAGE_DELETED = EventKind(3, "message.deleted", MessageDeleted, Compact.IN_MESSAGE)
