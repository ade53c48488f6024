"""The answer to a sync."""

from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from persistence.database.view import View


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
    mention_count: int
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
    """`next`: more conversations wait than one answer holds; ask again with it as `after`. Null: these were all.
    `blocked_users`: all whom the user blocks, where that changed since the `as_of` that was named; else left out."""

    epoch: str
    as_of: str
    conversations: dict[str, SyncedConversation]
    left: list[str]
    complete: bool
    next: str | None = None
    blocked_users: list[str] | UnsetType = UNSET
