"""A message that waits for its time, and what may be said of it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from persistence.messages.shapes import NewMessage
from shared.ids import canonical_id


class State(StrEnum):
    """`sending`: a worker took it, and it may have been sent. Of one that is `sent` or `cancelled` nothing is kept but
    that, for a while."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Kept(msgspec.Struct, frozen=True):
    """The message as its author gave it, and where clients fetch files."""

    message: NewMessage
    base_url: str = ""


class Scheduled(NamedTuple):
    """`failure`: the code of the refusal of one that failed."""

    id: str
    user_id: str
    conversation_id: str
    state: State
    send_at: datetime
    created_at: datetime
    failure: str | None
    kept: Kept


class Place(NamedTuple):
    """Where a page ended: by the time to send, and then by id."""

    send_ms: int
    scheduled_id: str

    def to_cursor(self) -> str:
        return f"{self.send_ms}.{self.scheduled_id}"

    @classmethod
    def from_cursor(cls, text: str) -> "Place":
        """Of what `to_cursor` wrote; the query's pattern lets in nothing else."""
        digits, _, scheduled_id = text.partition(".")
        return cls(int(digits), canonical_id(scheduled_id) or scheduled_id)

    @property
    def send_at(self) -> datetime:
        return datetime.fromtimestamp(self.send_ms / 1000, UTC)


class Page(NamedTuple):
    scheduled: list[Scheduled]
    next: Place | None


class NoSuchScheduled(NamedTuple):
    """The user has none of this id; or it was sent or cancelled, and is not asked what became of it."""


class SentAlready(NamedTuple):
    """A worker has taken it: nothing can be changed any more."""


class BadTime(NamedTuple):
    """The time to send is over, or too far away."""


class Existing(NamedTuple):
    """It was scheduled before, by a request whose answer was lost."""

    scheduled: Scheduled
