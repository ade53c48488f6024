"""What the store gives: the JSON objects of the contract, ready to encode, and the outcomes of its operations.

Times are already ISO 8601 text with milliseconds (`shared.clock.iso`).
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from shared.ids import canonical_id


class View(msgspec.Struct, frozen=True, rename="camel", gc=False):
    pass


class Status(StrEnum):
    """Of a message, as its sender sees it: who of the *others* has it."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


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
    reactions: list[Reaction] = []
    data: msgspec.Raw | None = None


class HiddenMessage(View, frozen=True):
    """Stands in a page for a message that the reader deleted for themselves alone."""

    id: str
    seq: int
    hidden: bool = True


class Participant(View, frozen=True):
    """`handle` is None for who never signed in; the others too for whose token says nothing of them."""

    id: str
    handle: str | None
    display_name: str | None = None
    avatar_url: str | None = None


class Role(StrEnum):
    """What somebody may do in a group."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class RoomMember(View, frozen=True):
    """Somebody who is in a conversation, and since when."""

    id: str
    handle: str | None
    display_name: str | None
    avatar_url: str | None
    role: Role
    joined_at: str


class LastMessage(View, frozen=True):
    """`text` is that of a message which is not opaque; of an opaque one it only says that it is there."""

    id: str
    seq: int
    text: str
    sender_id: str
    created_at: str


class Conversation(View, frozen=True):
    """As one of its participants sees it: `last_message`, `unread_count` and `read_seq` are that user's.

    `participants` are the first 50 of them, `participant_count` is how many there are.
    """

    id: str
    is_group: bool
    name: str | None
    bounty_id: str | int | None
    created_at: str
    updated_at: str
    participants: list[Participant]
    participant_count: int
    last_message: LastMessage | None
    unread_count: int
    last_seq: int
    read_seq: int


class Reached(View, frozen=True):
    """How far one participant has come."""

    delivered: int
    read: int


class SyncedConversation(View, frozen=True):
    """Events with first_seq <= seq <= last_seq, without a hole; `complete` is false where the head lies further.

    `as_of_seq` is that head: what is told of the conversation is as of it. `delivered_up_to` and `read_up_to`: every
    other participant has, or has read, all up to and with that seq. `cursors` has each of the others by id, in
    conversations of 3 to LIVE_PRESENCE_MEMBERS people: with them, later receipts say when the last of a group has come
    so far. `hidden` are messages that the user deleted for themselves alone since the `as_of` that was named; left out
    where there are none.
    """

    events: list[msgspec.Raw]
    first_seq: int
    last_seq: int
    as_of_seq: int
    complete: bool
    read_seq: int
    unread_count: int
    delivered_up_to: int
    read_up_to: int
    cursors: dict[str, Reached] | None = None
    hidden: list[str] | UnsetType = UNSET


class Place(NamedTuple):
    """Where an answer to a sync ended, and the `as_of` of the first of the answers that belong together."""

    as_of: int
    conversation_id: str

    def to_text(self) -> str:
        return f"{self.as_of}.{self.conversation_id}"

    @classmethod
    def from_text(cls, text: str) -> "Place":
        """Of what `to_text` wrote; the body's pattern lets in nothing else."""
        as_of, _, conversation_id = text.partition(".")
        return cls(int(as_of), conversation_id.lower())


class Sync(View, frozen=True):
    """`next`: more conversations wait than one answer holds; ask again with it as `after`. Null: these were all."""

    epoch: str
    as_of: str
    conversations: dict[str, SyncedConversation]
    left: list[str]
    complete: bool
    next: str | None = None


class Position(NamedTuple):
    """Where a page of conversations ended; the next one begins below it."""

    updated_ms: int
    conversation_id: str

    def to_cursor(self) -> str:
        """URL-safe text, to be given back as it is."""
        return f"{self.updated_ms}.{self.conversation_id}"

    @classmethod
    def from_cursor(cls, text: str) -> "Position | None":
        """None for what `to_cursor` never wrote."""
        digits, _, conversation_id = text.partition(".")
        known = canonical_id(conversation_id)
        if known is None or not (digits.isascii() and digits.isdecimal() and len(digits) < 15):
            return None
        return cls(int(digits), known)

    @property
    def updated_at(self) -> datetime:
        return datetime.fromtimestamp(self.updated_ms / 1000, UTC)


class ConversationPage(NamedTuple):
    conversations: list[Conversation]
    next: Position | None


class MemberPage(NamedTuple):
    """`next` is the id after which the next page begins."""

    members: list[RoomMember]
    next: str | None


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


class NotAMember(NamedTuple):
    """The user is not in this conversation, or there is none: the two look alike."""


class NoSuchReply(NamedTuple):
    """`reply_to` is no message of this conversation."""


Outcome = Sent | Repeated | NotAMember | NoSuchReply


class Member(NamedTuple):
    """A user and the version of their memberships that a change gave them."""

    user_id: str
    version: int


class Begins(msgspec.Struct, frozen=True):
    """A conversation that is not there yet; so many of its people were never seen."""

    strangers: int


class Created(NamedTuple):
    """`existing`: two people who already have a conversation (about this bounty) get that one.

    `joined` are those whose devices must hear of it: all participants of a new one; of an existing one the caller,
    if it was hidden from them until now.
    """

    conversation: Conversation
    existing: bool
    joined: list[Member]


class Hidden(NamedTuple):
    """All up to and with `seq` is hidden: what comes above it brings the conversation back."""

    member: Member
    seq: int


class StillHidden(NamedTuple):
    """It was hidden already, and nothing changed."""


class Purged(NamedTuple):
    """A conversation that is gone, and who was in it."""

    conversation_id: str
    left: list[Member]


class Pointer(NamedTuple):
    """Up to and with this message."""

    seq: int
    message_id: str


class Moved(NamedTuple):
    """Where a user's cursor stands now; None where it did not move, or nothing was said of it.

    `members` is the size of the conversation.
    """

    conversation_id: str
    user_id: str
    members: int
    delivered: Pointer | None
    read: Pointer | None


class Minimum(NamedTuple):
    """Everybody in the conversation has, and has read, all up to and with these seqs."""

    conversation_id: str
    delivered: int
    read: int


class Marked(NamedTuple):
    """`updated_count`: how many of the messages named are of this conversation."""

    updated_count: int
    moved: list[Moved]
