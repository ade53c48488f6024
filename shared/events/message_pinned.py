"""`message.pinned`: a message is pinned, or is so no longer."""

from shared.events.kind import Body, Compact, EventKind


class MessagePinned(Body, frozen=True):
    message_id: str
    message_seq: int
    is_pinned: bool


MESSAGE_PINNED = EventKind(5, "message.pinned", MessagePinned, Compact.IN_MESSAGE)
