"""`message.reaction`: the sender reacts with this emoji, or does so no longer."""

import msgspec

from shared.events.kind import Body, Compact, EventKind


class MessageReaction(Body, frozen=True):
    """`count`: how many people react with it now."""

    message_id: str
    message_seq: int
    emoji: str
    on: bool
    count: int


def erased(body: bytes) -> bytes:
    """The same event after its message was deleted: it tells no emoji, for that may have been a word."""
    told = msgspec.json.decode(body, type=MessageReaction)
    return msgspec.json.encode(msgspec.structs.replace(told, emoji="", on=False, count=0))


MESSAGE_REACTION = EventKind(4, "message.reaction", MessageReaction, Compact.IN_MESSAGE, erased=erased)
