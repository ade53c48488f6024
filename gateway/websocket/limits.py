"""What a client may send and leave unread."""

from dataclasses import dataclass, field

from gateway.websocket.frame_limit import FrameLimit
from gateway.websocket.frames import MAX_CONTROL_PAYLOAD
from shared.setting_forms import Bucket


@dataclass(frozen=True, slots=True)
class Limits:
    """One object for all connections of a gateway.

    `message_bytes` bounds what a client may send as one message, `outbox_bytes` what may wait for a client that
    reads slowly, `close_seconds` how long a closing handshake may last before the socket is dropped, `frames` how many
    frames of any sort it may send.
    """

    message_bytes: int = 64 * 1024
    outbox_bytes: int = 256 * 1024
    close_seconds: float = 5.0
    frames: FrameLimit = field(default_factory=lambda: FrameLimit(Bucket(20, 100)))

    def __post_init__(self) -> None:
        if self.message_bytes < MAX_CONTROL_PAYLOAD:
            raise ValueError(f"message_bytes must be at least {MAX_CONTROL_PAYLOAD}")
