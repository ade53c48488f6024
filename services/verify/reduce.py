"""What each kind of durable event does to what a device shows: a line a kind, as in `shared/events/kinds.py`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from services.verify.history import DeviceHistory
from services.verify.rest import Json
from shared.events.conversation_changed import CONVERSATION_CHANGED
from shared.events.message_deleted import MESSAGE_DELETED
from shared.events.message_edited import MESSAGE_EDITED
from shared.events.message_new import MESSAGE_NEW
from shared.events.message_pinned import MESSAGE_PINNED
from shared.events.message_reaction import MESSAGE_REACTION

Reducer = Callable[[DeviceHistory, Json], None]
"""Takes the frame of an event, which is the next one of its conversation."""


def _message_new(shown: DeviceHistory, frame: Json) -> None:
    shown.held.setdefault(frame["conversationId"], {})[frame["seq"]] = frame["messageId"]
    shown.texts.setdefault(frame["conversationId"], {})[frame["seq"]] = frame["text"]
    if frame.get("expiresAt"):
        shown.ends.setdefault(frame["conversationId"], {})[frame["seq"]] = frame["expiresAt"]


def _message_edited(shown: DeviceHistory, frame: Json) -> None:
    _write(shown, frame, frame["text"])


def _message_deleted(shown: DeviceHistory, frame: Json) -> None:
    _write(shown, frame, "")


def _text_stays(_: DeviceHistory, __: Json) -> None:
    """Of a message the checker judges its place and its text."""


def _write(shown: DeviceHistory, frame: Json, text: str) -> None:
    texts = shown.texts.get(frame["conversationId"], {})
    if frame["messageSeq"] in texts:
        texts[frame["messageSeq"]] = text


REDUCERS: Final[Mapping[str, Reducer]] = MappingProxyType(
    {
        MESSAGE_NEW.name: _message_new,
        MESSAGE_EDITED.name: _message_edited,
        MESSAGE_DELETED.name: _message_deleted,
        MESSAGE_REACTION.name: _text_stays,
        MESSAGE_PINNED.name: _text_stays,
        CONVERSATION_CHANGED.name: _text_stays,
    }
)


def reduce(shown: DeviceHistory, frame: Json) -> None:
    """An event of a kind that is not listed takes its place in the order and changes nothing, as in today's apps."""
    reducer = REDUCERS.get(frame["type"])
    if reducer is not None:
        reducer(shown, frame)
