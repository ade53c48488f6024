"""What a simulated client did and saw, in the order in which it did: the only thing that the checker judges.

Moments (`at`, `began`) are seconds of this machine's monotonic clock, the same for all devices of a run.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """A durable event that reached the device, live or by sync. `connection` counts the device's connections, `at` is
    when it came."""

    conversation_id: str
    seq: int
    message_id: str
    text: str
    connection: int
    live: bool
    at: float = 0.0


@dataclass(frozen=True)
class Opened:
    """A connection said `connected` with these heads: live events begin above them."""

    connection: int
    heads: dict[str, int]


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


Step = Event | Opened | Closed | Told | ReceiptSeen | PresenceSeen | Said | Answered


@dataclass
class DeviceHistory:
    """One device: its steps in order, what it holds at the end, and what the server acknowledged to it."""

    user_id: str
    name: str
    steps: list[Step] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    held: dict[str, dict[int, str]] = field(default_factory=dict)
    """conversation -> seq -> message id, as the device would show them."""


@dataclass
class Truth:
    """What the server says at the end, asked over REST: by conversation, and by user."""

    messages: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    """conversation -> (seq, message id, text) of every message, by seq."""
    members: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> unread count."""
    read: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> read cursor."""
    delivered_up_to: dict[tuple[str, str], int] = field(default_factory=dict)
    """(user, conversation) -> the seq that every other member has."""
    online: dict[str, bool] = field(default_factory=dict)
    expected_online: dict[str, bool] = field(default_factory=dict)
    asleep: set[str] = field(default_factory=set)
    """Users who have a phone to push to, and no connection."""
    pushed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """user -> (message id, collapse key) of every push that reached their phone."""
