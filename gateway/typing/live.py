"""What a client may say to a room that nobody keeps."""

from dataclasses import dataclass

from gateway.typing.app_events import AppEvents
from gateway.typing.typing import TypingSignals


@dataclass(frozen=True)
class LiveSignals:
    """That a person is typing, and an app's own events."""

    typing: TypingSignals
    events: AppEvents
