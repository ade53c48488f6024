"""What a simulated client did and saw, in the order in which it did: the only thing that the checker judges.

Moments (`at`, `began`) are seconds of this machine's monotonic clock, the same for all devices of a run.
"""

from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple


@dataclass(frozen=True)
class Event:
    """A durable event that reached the device, live or by sync. `kind` is its frame's type; `connection` counts the
    device's connections, `at` is when it came."""

    conversation_id: str
    seq: int
    kind: str
    connection: int
    live: bool
    at: float = 0.0


@dataclass(frozen=True)
class Opened:
    """A connection said `connected`, or `conversation.new`, with these heads: live events begin above them."""

    connection: int
    heads: dict[str, int]


@dataclass(frozen=True)
class Left:
    """A connection said `conversation.left`."""

    conversation_id: str
    connection: int


@dataclass(frozen=True)
class Closed:
    """The connection ended before the device was switched off: nothing more is owed to it."""

    connection: int


@dataclass(frozen=True)
class Told:
    """A `sync` frame: the gateway says that live events are not whole up to this seq."""

    conversation_id: str
    connection: int
    last_seq: int


@dataclass(frozen=True)
class ReceiptSeen:
    conversation_id: str
    reader_id: str
    status: str
    seq: int
    connection: int
    at: float


@dataclass(frozen=True)
class MinimaSeen:
    """In a big group: everybody is said to have, and to have read, all up to these seqs."""

    conversation_id: str
    delivered: int
    read: int
    connection: int


@dataclass(frozen=True)
class PresenceSeen:
    user_id: str
    is_online: bool
    connection: int


@dataclass(frozen=True)
class Said:
    """The device reported `delivered` or `read` up to this seq; None: past the end, as `ref`, which is answered."""

    conversation_id: str
    status: str
    seq: int | None
    at: float
    ref: int = 0


@dataclass(frozen=True)
class Answered:
    """The `ack` to what was said with this ref: whatever it meant was fixed before this moment."""

    ref: int
    at: float


@dataclass(frozen=True)
class Acknowledged:
    """The server answered at `at` a send that `began` then: this text is message `message_id` with this seq."""

    conversation_id: str
    client_id: str
    message_id: str
    seq: int
    text: str
    at: float = 0.0
    began: float = 0.0


@dataclass(frozen=True)
class Scheduled:
    """A text that the server was to send at a later time."""

    conversation_id: str
    text: str


Step = Event | Opened | Left | Closed | Told | ReceiptSeen | MinimaSeen | PresenceSeen | Said | Answered


class Absence(NamedTuple):
    """Somebody was out of a group for the events above `after`, their removal, and below `before`, their return."""

    user_id: str
    conversation_id: str
    after: int
    before: float = inf

    def holds(self, event: Event) -> bool:
        return event.conversation_id == self.conversation_id and self.after < event.seq < self.before


@dataclass
class DeviceHistory:
    """One device: its steps in order, what it holds at the end, and what the server acknowledged to it."""

    user_id: str
    name: str
    steps: list[Step] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    held: dict[str, dict[int, str]] = field(default_factory=dict)
    """conversation -> seq -> message id, as the device would show them."""
    texts: dict[str, dict[int, str]] = field(default_factory=dict)
    """conversation -> seq -> the message's text, as the device would show it."""
    ends: dict[str, dict[int, str]] = field(default_factory=dict)
    """conversation -> seq -> when the message ends by itself: from then on the device shows nothing of it."""
    scheduled: list[Scheduled] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    """conversation -> the seq up to which the device has taken every event, whatever its kind."""

    @property
    def open_connection(self) -> int | None:
        """The connection that the device had at the end; None where it was between two, or never had one."""
        last = max((step.connection for step in self.steps if isinstance(step, Opened)), default=None)
        return None if last is None or Closed(last) in self.steps else last


@dataclass
class Truth:
    """What the server says at the end, asked over REST: by conversation, and by user."""

    asked_at: str = ""
    """A moment at which none was asked yet, by any machine's clock; empty where that is of no interest."""
    messages: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    """conversation -> (seq, message id, text) of every message, by seq."""
    heads: dict[str, int] = field(default_factory=dict)
    """conversation -> the seq of its last event, where that is no message."""
    members: dict[str, list[str]] = field(default_factory=dict)
    hideable: dict[str, list[str]] = field(default_factory=dict)
    """Conversations, with their members, that these hide now and then: of them nobody is owed more than what is listed.
    They are in none of the other fields."""
    listed: dict[str, dict[str, tuple[int, str] | None]] = field(default_factory=dict)
    """user -> conversation -> seq and id of the newest message that their list shows; of those who asked for theirs."""
    unread: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> unread count."""
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)
    """user -> unread of all their conversations, as the list adds up, and as the server says."""
    read: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> read cursor."""
    delivered_up_to: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> the seq that every other member has."""
    read_up_to: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> the seq up to which every other member has read."""
    absences: list[Absence] = field(default_factory=list)
    """From groups that are in none of the other fields."""
    online: dict[str, bool] = field(default_factory=dict)
    expected_online: dict[str, bool] = field(default_factory=dict)
    asleep: set[str] = field(default_factory=set)
    """Users who have a phone to push to, and no connection."""
    pushed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """user -> (message id, collapse key) of every push that reached their phone."""

    def head(self, conversation_id: str) -> int:
        """The seq of its last event."""
        return max(self.heads.get(conversation_id, 0), self.newest(conversation_id))

    def newest(self, conversation_id: str, up_to: float = inf) -> int:
        """The seq of its last message that lies no further; 0 where there is none."""
        return max((seq for seq, _, _ in self.messages[conversation_id] if seq <= up_to), default=0)

    def ends(self, user_id: str) -> dict[str, int]:
        """Of each conversation of theirs the last seq that they are owed."""
        ends = {one: self.head(one) for one in self.messages if user_id in self.members.get(one, ())}
        for conversation, members in self.hideable.items():
            newest = self.listed.get(user_id, {}).get(conversation)
            if user_id in members and newest is not None:
                ends[conversation] = newest[0]
        return ends
