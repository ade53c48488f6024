"""A message as the contract gives it, and the outcomes of sending and reading."""

from typing import NamedTuple

import msgspec

from persistence.database.view import View
from persistence.members.views import NotAMember, Withdrew
from persistence.receipts.views import Status


class Reaction(View, frozen=True):
    """How many react with the emoji, and whether the reader does."""

    emoji: str
    count: int
    mine: bool


class Message(View, frozen=True):
    """`rev`: the seq of the last event that touched it. One with `deleted_at` is a tombstone: all but what numbers and
    connects it is empty. `by`: as what `deleted_by` (None: nobody) did it. `data` is the app's own JSON."""

    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender_handle: str | None
    text: str
    created_at: str
    updated_at: str
    client_id: str | None = None
    reply_to: str | None = None
    media_url: str | None = None
    is_pinned: bool = False
    status: Status = Status.SENT
    opaque: bool = False
    rev: int = 0
    edited_at: str | None = None
    deleted_at: str | None = None
    deleted_by: str | None = None
    by: str | None = None
    reactions: list[Reaction] = msgspec.field(default_factory=list)
    data: msgspec.Raw | None = None


class HiddenMessage(View, frozen=True):
    """Stands in a page for a message that the reader deleted for themselves alone."""

    id: str
    seq: int
    hidden: bool = True


class HistoryPage(NamedTuple):
    """Oldest first. `total` counts what the user can see, of the whole conversation. `as_of_seq` is the head then."""

    messages: list[Message | HiddenMessage]
    total: int
    has_more: bool
    as_of_seq: int


class Draft(NamedTuple):
    """A message to send; `id` is the one it will have. `span`: the context of the one that sends it, where traced."""

    id: str
    sender_id: str
    text: str
    client_id: str | None = None
    reply_to: str | None = None
    media_url: str | None = None
    span: bytes | None = None
    opaque: bool = False
    data: str | None = None


class Sent(NamedTuple):
    """Committed just now."""

    message: Message

    @property
    def as_of_seq(self) -> int:
        """The message is as it was when the log reached so far."""
        return self.message.seq


class Repeated(NamedTuple):
    """The sender used this client id before in this conversation: here is that message, as of this seq of the log."""

    message: Message
    as_of_seq: int


class NoSuchReply(NamedTuple):
    """`reply_to` is no message of this conversation."""


Outcome = Sent | Repeated | NotAMember | Withdrew | NoSuchReply
