"""A message as the contract gives it, and the outcomes of sending and reading."""

from typing import NamedTuple

import msgspec

from persistence.attachments.views import Attachment
from persistence.database.view import View
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.receipts.views import Status
from shared.events.message_new import Forwarded, Mentioned, Preview


class Reaction(View, frozen=True):
    """How many react with the emoji, and whether the reader does."""

    emoji: str
    count: int
    mine: bool


class Message(View, frozen=True):
    """`rev`: the seq of the last event that touched it. One with `deleted_at` is a tombstone: all but what numbers and
    connects it is empty. `by`: as what `deleted_by` (None: nobody) did it; one past its `expires_at` is such a
    tombstone too, by `retention`. `data` is the app's own JSON. `mentions` are ids of users, or `all`.
    `attachments` are its files; `placeholder`: the text only stands for them."""

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
    mentions: Mentioned = msgspec.field(default_factory=list)
    forwarded: Forwarded | None = None
    preview: Preview | None = None
    expires_at: str | None = None
    attachments: list[Attachment] = msgspec.field(default_factory=list)
    placeholder: bool = False


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


class Source(View, frozen=True):
    """The message of which a copy is sent."""

    conversation_id: str
    message_id: str


class Carried(View, frozen=True, omit_defaults=True):
    """What a message carries beside its text. Of one with a `forward` the text is that of the source. `mentions`: of
    those who are in the conversation then; `all`: everybody is. `expires_in` is in seconds. `with_files`: copies of
    the source's files stand ready, which the text and the address of the draft are for."""

    mentions: tuple[str, ...] = ()
    all: bool = False
    forward: Source | None = None
    preview: Preview | None = None
    expires_in: int | None = None
    with_files: bool = False


class Draft(NamedTuple):
    """A message to send; `id` is the one it will have. `span`: the context of the one that sends it, where traced.
    `carried` None: nothing beside its text, as of nearly all."""

    id: str
    sender_id: str
    text: str
    client_id: str | None = None
    reply_to: str | None = None
    media_url: str | None = None
    span: bytes | None = None
    opaque: bool = False
    data: str | None = None
    carried: Carried | None = None


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


class NoSuchConversation(NamedTuple):
    """There is none of this id."""


class NoSuchReply(NamedTuple):
    """`reply_to` is no message of this conversation."""


class NoSuchSource(NamedTuple):
    """There is no message to forward, or the sender does not see it."""


class SourceDeleted(NamedTuple):
    """What was to be forwarded is deleted, or past its time."""


class SourceHasFiles(NamedTuple):
    """What is to be forwarded has files, for which there is another way."""


class NotForAll(NamedTuple):
    """The group is too large for any member to mention all."""


class NotAllowed(NamedTuple):
    """Only somebody else may."""


class ReadsOnly(NamedTuple):
    """Only admins and owners send in this group."""


class Slow(NamedTuple):
    """The group is slow, and the sender's next message may come in so many seconds."""

    retry_after_seconds: float


Refusal = (
    NotAMember
    | Withdrew
    | Muted
    | ReadsOnly
    | NoSuchReply
    | NoSuchSource
    | SourceDeleted
    | SourceHasFiles
    | NotForAll
    | Slow
)
"""Nothing was sent."""
Outcome = Sent | Repeated | Refusal
