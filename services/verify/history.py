"""What a simulated client did and saw, in the order in which it did: the only thing that the checker judges."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """A durable event that reached the device, live or by sync. `connection` counts the device's connections, `at` is
    when it came, in seconds of this machine's monotonic clock."""

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


@dataclass(frozen=True)
class Acknowledged:
    """The server answered a send at `at`: this text is message `message_id` with this seq."""

    conversation_id: str
    client_id: str
    message_id: str
    seq: int
    text: str
    at: float = 0.0


Step = Event | Opened | Told | ReceiptSeen


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
    online: dict[str, bool] = field(default_factory=dict)
    expected_online: dict[str, bool] = field(default_factory=dict)
