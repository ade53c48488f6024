"""How far somebody has come, and what that makes of a message."""

from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """Of a message, as its sender sees it: who of the *others* has it."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


class Pointer(NamedTuple):
    """Up to and with this message."""

    seq: int
    message_id: str


class Moved(NamedTuple):
    """Where a user's cursor stands now; None where it did not move, or nothing was said of it.

    `members` is the size of the conversation. `is_private`: what they read is for their own devices alone.
    `handle` is what the user is called now.
    """

    conversation_id: str
    user_id: str
    members: int
    delivered: Pointer | None
    read: Pointer | None
    is_private: bool = False
    handle: str | None = None


class Minimum(NamedTuple):
    """Everybody in the conversation has, and has read, all up to and with these seqs."""

    conversation_id: str
    delivered: int
    read: int


class Marked(NamedTuple):
    """`updated_count`: how many of the messages named are of this conversation."""

    updated_count: int
    moved: list[Moved]
