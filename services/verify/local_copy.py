"""What an app keeps on the device: of each conversation all events without a hole, and how far a sync came."""

from services.verify.frames import event_of
from services.verify.history import DeviceHistory
from services.verify.rest import Json


class LocalCopy:
    """What it holds is `history.held`: at the end that is what the device would show."""

    def __init__(self, history: DeviceHistory) -> None:
        self._history = history
        self._held = history.held
        self._as_of: str | None = None
        self._epoch: str | None = None

    def cursor(self, conversation_id: str) -> int:
        """Up to which seq it has everything: it never skips one, so it is how many it holds."""
        return len(self._held.get(conversation_id, ()))

    def cursors(self) -> dict[str, int]:
        return {conversation_id: len(events) for conversation_id, events in self._held.items()}

    def question(self) -> Json:
        """The body of the next sync."""
        return {"conversations": self.cursors()} | ({"asOf": self._as_of} if self._as_of else {})

    def add(self, frame: Json) -> bool:
        """Takes an event iff it is the next one."""
        conversation_id = str(frame["conversationId"])
        if frame["seq"] != self.cursor(conversation_id) + 1:
            return False
        self._held.setdefault(conversation_id, {})[frame["seq"]] = frame["messageId"]
        return True

    def adopt(self, answer: Json, connection: int) -> bool:
        """Takes the answer to `question`; False where the device must ask again."""
        whole = bool(answer["complete"])
        if self._epoch not in (None, answer["epoch"]):
            self._held.clear()
        self._epoch = answer["epoch"]
        if whole:
            self._as_of = answer["asOf"]
        for conversation_id, part in answer["conversations"].items():
            held = self._held.setdefault(conversation_id, {})
            if not held and part["events"] and part["firstSeq"] > 1:
                # A new device gets the newest events alone. This one wants all: named by now, it asks from the start.
                whole = False
                continue
            for frame in part["events"]:
                self._history.steps.append(event_of(frame, connection, live=False))
                self.add(frame)
        for conversation_id in answer["left"]:
            self._held.pop(conversation_id, None)
        return whole
