"""What an app keeps on the device: of each conversation all events without a hole, and how far a sync came."""

from math import inf

from services.verify.frames import event_of
from services.verify.history import DeviceHistory
from services.verify.reduce import reduce
from services.verify.rest import Json


class LocalCopy:
    """What it holds is `history.held`: at the end that is what the device would show."""

    def __init__(self, history: DeviceHistory) -> None:
        self._history = history
        self._held = history.held
        self._texts = history.texts
        self._cursors = history.cursors
        self._asked: dict[str, int] = {}
        self._as_of: str | None = None
        self._epoch: str | None = None
        self._after: str | None = None  # the place from which the next page goes on

    def cursor(self, conversation_id: str) -> int:
        """Up to which seq it has everything: it never skips one."""
        return self._cursors.get(conversation_id, 0)

    def newest(self, conversation_id: str, up_to: float = inf) -> int:
        """The seq of the last message that it shows and that lies no further; 0 where there is none."""
        return max((seq for seq in self._held.get(conversation_id, ()) if seq <= up_to), default=0)

    def newest_of_all(self) -> dict[str, int]:
        return {conversation_id: self.newest(conversation_id) for conversation_id in self._held}

    def question(self) -> Json:
        """The body of the next sync, which `adopt` is given the answer to."""
        self._asked = dict(self._cursors)
        marks = {"asOf": self._as_of, "after": self._after}
        return {"conversations": self._asked} | {key: mark for key, mark in marks.items() if mark}

    def add(self, frame: Json) -> bool:
        """Takes an event iff it is the next one."""
        conversation_id = str(frame["conversationId"])
        if frame["seq"] != self.cursor(conversation_id) + 1:
            return False
        self._cursors[conversation_id] = frame["seq"]
        reduce(self._history, frame)
        return True

    def forget(self, conversation_id: str) -> None:
        """The user hid it: what they had of it is gone."""
        self._held.pop(conversation_id, None)
        self._texts.pop(conversation_id, None)
        self._cursors.pop(conversation_id, None)

    def adopt(self, answer: Json, connection: int) -> bool:
        """Takes the answer to `question`; False where the device must ask again."""
        whole, asked = bool(answer["complete"]), self._asked
        if self._epoch not in (None, answer["epoch"]):
            self._held.clear()
            self._texts.clear()
            self._cursors.clear()
            self._asked = {}
        self._epoch, self._after = answer["epoch"], answer.get("next")
        if whole:
            self._as_of = answer["asOf"]
        for conversation_id, part in answer["conversations"].items():
            self._held.setdefault(conversation_id, {})
            self._cursors.setdefault(conversation_id, 0)
            if part["firstSeq"] > self.cursor(conversation_id) + 1:
                if conversation_id not in self._asked:
                    # A new device gets the newest events alone. This one wants all: named by now, it asks for them.
                    whole = False
                    continue
                self._begin_after(conversation_id, part["firstSeq"] - 1)
            for frame in part["events"]:
                self._history.steps.append(event_of(frame, connection, live=False))
                self.add(frame)
        return self._leave({key: asked[key] for key in answer["left"]}) and whole

    def _leave(self, left: dict[str, int]) -> bool:
        """False where one of them has moved since the question: it may have come back, as another one will tell."""
        unmoved = [key for key, cursor in left.items() if self.cursor(key) == cursor]
        for conversation_id in unmoved:
            self.forget(conversation_id)
        return len(unmoved) == len(left)

    def _begin_after(self, conversation_id: str, seq: int) -> None:
        """All up to there is hidden."""
        self._held[conversation_id].clear()
        self._texts.pop(conversation_id, None)
        self._cursors[conversation_id] = seq
