"""What each kind of durable event does to what a device shows: a line a kind, as in `shared/events/kinds.py`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from services.verify.history import DeviceHistory
from services.verify.rest import Json
from shared.events.message_new import MESSAGE_NEW

Reducer = Callable[[DeviceHistory, Json], None]
"""Takes the frame of an event, which is the next one of its conversation."""


def _message_new(shown: DeviceHistory, frame: Json) -> None:
    shown.held.setdefault(frame["conversationId"], {})[frame["seq"]] = frame["messageId"]


REDUCERS: Final[Mapping[str, Reducer]] = MappingProxyType({MESSAGE_NEW.name: _message_new})


def reduce(shown: DeviceHistory, frame: Json) -> None:
    """An event of a kind that is not listed takes its place in the order and changes nothing, as in today's apps."""
    reducer = REDUCERS.get(frame["type"])
    if reducer is not None:
        reducer(shown, frame)
