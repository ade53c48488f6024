"""What a device reports of its cursors, noted as it says it. Knows no socket: it gives the frames to send."""

import time

import msgspec

from services.verify.history import DeviceHistory, Said
from services.verify.rest import Json

PAST_ANY_END = 10**9
"""A seq that no conversation reaches while it is looked at."""


class Reports:
    def __init__(self, history: DeviceHistory) -> None:
        self._history = history
        self._read: dict[str, int] = {}
        self._refs = 0

    def delivered(self, conversation_id: str, seq: int) -> str:
        return self._frame({"type": "delivered", "conversationId": conversation_id, "seq": seq})

    def read(self, conversation_id: str, seq: int) -> str:
        self._read[conversation_id] = max(seq, self._read.get(conversation_id, 0))
        return self._frame({"type": "read", "conversationId": conversation_id, "seq": seq})

    def read_past_the_end(self, conversation_id: str) -> str:
        """Wants an answer: what it covers is fixed at some moment before that."""
        self._refs += 1
        return self._frame({"type": "read", "conversationId": conversation_id, "seq": PAST_ANY_END, "ref": self._refs})

    def again(self, newest: dict[str, int]) -> list[str]:
        """A gateway that died may have kept them to itself, so all of them are said again on a new connection:
        delivered up to the newest message of each conversation."""
        delivered = [self.delivered(*cursor) for cursor in newest.items() if cursor[1]]
        read = {key: min(seq, newest.get(key, 0)) for key, seq in self._read.items()}
        return delivered + [self.read(*cursor) for cursor in read.items() if cursor[1]]

    def _frame(self, frame: Json) -> str:
        past_end = "ref" in frame
        said = Said(
            frame["conversationId"],
            frame["type"],
            None if past_end else frame["seq"],
            time.monotonic(),
            frame.get("ref", 0),
        )
        self._history.steps.append(said)
        return msgspec.json.encode(frame).decode()
