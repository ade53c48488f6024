"""A conversation as one of its participants sees it, and the outcomes of making and leaving one."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from persistence.database.view import View
from persistence.members.settings import GroupSettings
from persistence.members.views import Member, Participant, Role
from shared.ids import canonical_id


class LastMessage(View, frozen=True):
    """`text` is that of a message which is not opaque; of an opaque one it only says that it is there."""

    id: str
    seq: int
    text: str
    sender_id: str
    created_at: str


class Conversation(View, frozen=True):
    """As one of its participants sees it: `last_message`, `unread_count`, `mention_count` (of the unread
    those that mention the user), `read_seq`, `role`, the marks and `muted_until` (None: it rings) are that user's.

    `participants` are the first 50 of them, `participant_count` is how many there are. Only a group has `settings`; of
    two people each is a member.
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
    mention_count: int
    last_seq: int
    read_seq: int
    is_archived: bool
    is_pinned: bool
    is_marked_unread: bool
    muted_until: str | None
    description: str | None
    avatar_url: str | None
    settings: GroupSettings | None
    role: Role


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


class Begins(msgspec.Struct, frozen=True):
    """A conversation that is not there yet; so many of its people were never seen."""

    strangers: int


class Created(NamedTuple):
    """`existing`: two people who already have a conversation (about this bounty) get that one.

    `joined` are those whose devices must hear of it: all participants of a new one; of an existing one the caller,
    if it was hidden from them until now. `conversation` is as the caller sees it; of a new group `owner_id` is the one
    who is its owner.
    """

    conversation: Conversation
    existing: bool
    joined: list[Member]
    owner_id: str | None = None


class KeptApart(NamedTuple):
    """A block keeps the people apart; the caller's own, or only the other's."""

    by_caller: bool


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
