"""`message.edited`: a message's text or data is another one now."""

from shared.events.kind import Body, Compact, EventKind


class MessageEdited(Body, frozen=True):
    """What is stored. The frame also carries the message as it stands when the frame is built."""

    message_seq: int


MESSAGE_EDITED = EventKind(2, "message.edited", MessageEdited, Compact.IN_MESSAGE, shows_message=True)
