"""A durable event as everything speaks of it between its commit and its publication, its reading and its sync."""

from typing import NamedTuple

from shared import frames, wire
from shared.events.kind import EventKind
from shared.events.message_new import MESSAGE_NEW

Key = tuple[str, int]
"""(conversation, seq): the name of an event."""


class Logged(NamedTuple):
    """`at` is the time of its commit, ISO 8601 with milliseconds. `body` is a JSON object: the frame less its head.

    `message_id` is the message that it is or is about. `span`: the context below which it is traced, if it is. `people`
    is how many the conversation has after it, 0 for unchanged; `removed` are the users whom it takes out.
    """

    conversation_id: str
    seq: int
    kind: EventKind
    sender_id: str
    at: str
    body: bytes
    message_id: str | None = None
    span: bytes | None = None
    people: int = 0
    removed: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.conversation_id, self.seq

    @property
    def is_message(self) -> bool:
        """Whether it counts: only a message is unread, pushed, receipted, and ends its author's typing."""
        return self.kind is MESSAGE_NEW

    @property
    def flags(self) -> int:
        """What a gateway needs to know of it."""
        return 0 if self.kind is MESSAGE_NEW and not self.people else wire.event_flags(self.is_message, self.people)

    def frame(self) -> bytes:
        """The finished frame: built alike when it is published, relayed, fetched and synced."""
        return frames.durable(
            self.kind.name,
            timestamp=self.at,
            conversation_id=self.conversation_id,
            seq=self.seq,
            sender_id=self.sender_id,
            body=self.body,
        )

    def without_words(self) -> "Logged":
        """For followers, which are told ids and read words, if they need any, from the rows."""
        return self._replace(body=b"")
