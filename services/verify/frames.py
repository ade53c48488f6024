"""What the frames of a connection mean to the history."""

import time

from services.verify.history import Answered, Event, Left, MinimaSeen, Opened, PresenceSeen, ReceiptSeen, Step, Told
from services.verify.rest import Json

RECEIPTS = ("message.delivered", "message.read")


def step_of(frame: Json, connection: int) -> Step | None:
    """None where the history does not care."""
    match frame["type"]:
        case "connected" | "heads" | "conversation.new":
            return Opened(connection, _heads(frame))
        case "conversation.left":
            return Left(frame["conversationId"], connection)
        case "message.delivered" | "message.read" | "receipts.all":
            return _receipt(frame, connection)
        case "sync":
            return Told(frame["conversationId"], connection, frame["lastSeq"])
        case "presence.update":
            return PresenceSeen(frame["userId"], frame["isOnline"], connection)
        case "ack":
            return Answered(frame["ref"], time.monotonic())
    return event_of(frame, connection, live=True) if is_durable(frame) else None


def is_durable(frame: Json) -> bool:
    """Whether it is an event of a conversation's log, also one of a kind that is unknown here. Of all other frames only
    receipts have a seq."""
    return "seq" in frame and frame["type"] not in RECEIPTS


def _receipt(frame: Json, connection: int) -> Step:
    if frame["type"] == "receipts.all":
        return MinimaSeen(frame["conversationId"], frame["deliveredUpTo"], frame["readUpTo"], connection)
    place = frame["conversationId"], frame["senderId"]
    return ReceiptSeen(*place, frame["status"], frame["seq"], connection, time.monotonic())


def _heads(frame: Json) -> dict[str, int]:
    if frame["type"] != "conversation.new":
        return dict(frame["heads"])
    return {frame["conversationId"]: int(frame["conversation"]["lastSeq"])}


def event_of(frame: Json, connection: int, *, live: bool) -> Event:
    return Event(frame["conversationId"], frame["seq"], frame["type"], connection, live, time.monotonic())
