"""What a client shows of one conversation: reduced from syncs, live frames and pages, whatever comes twice or mixed.

The rules are those of the contract, and the histories of `tests/contract/histories.json`, which the TypeScript client
runs as well. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.verify.rest import Json

MOST_KEPT = 1000
"""Events about messages that are not here, while an answer is under way that may bring them."""


@dataclass
class Shown:
    """A message. `mine_rev`: the seq up to which it is known with what the user reacts."""

    message_id: str
    seq: int
    sender_id: str
    text: str = ""
    rev: int = 0
    mine_rev: int = 0
    deleted: bool = False
    hidden: bool = False
    ends: str | None = None
    pinned: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    mine: set[str] = field(default_factory=set)

    def replace(self, told: Json, rev: int) -> None:
        """By the message as it stands there. What is left out is empty; only whose reactions they are may stay."""
        self.rev = rev
        self.text, self.deleted = told["text"], told.get("deletedAt") is not None
        self.ends = told.get("expiresAt")
        self.hidden, self.pinned = bool(told.get("hidden")), bool(told.get("isPinned"))
        reactions = told.get("reactions") or []
        self.counts = {one["emoji"]: one["count"] for one in reactions}
        if all("mine" in one for one in reactions) and (reactions or self.deleted):
            self.mine, self.mine_rev = {one["emoji"] for one in reactions if one["mine"]}, rev

    def erase(self, rev: int) -> None:
        self.text, self.deleted, self.pinned, self.rev = "", True, False, rev
        self.counts, self.mine = {}, set()


class RoomState:
    """Of one user's device. `asking`: an answer with older messages is under way."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self.cursor = 0
        self.messages: dict[int, Shown] = {}
        self.asking = False
        self._early: dict[int, Json] = {}
        self._kept: list[Json] = []
        self._read_seq = 0
        self._told_unread = 0
        self._told_up_to = 0
        self._whole_from = 1  # all messages from this seq on are here

    def live(self, frame: Json) -> None:
        """One that is not the next waits for those before it."""
        if frame["seq"] > self.cursor:
            self._early[frame["seq"]] = frame
        while self.cursor + 1 in self._early:
            event = self._early.pop(self.cursor + 1)
            self.cursor += 1
            self._count(event)
            self._apply(event)

    def sync(self, part: Json) -> None:
        """A part of a sync's answer, plain or compact."""
        if part["firstSeq"] > self.cursor + 1:
            self.messages.clear()
            self._early.clear()
            self._whole_from = part["firstSeq"]
        for event in part["events"]:
            self._apply(event)
        for message in self._held(part.get("hidden") or ()):
            message.hidden, message.text = True, ""
        if part["lastSeq"] >= self.cursor:
            self.cursor, self._told_unread = part["lastSeq"], part["unreadCount"]
        self._read_seq = max(self._read_seq, part["readSeq"])
        for seq in [seq for seq in self._early if seq <= self.cursor]:
            del self._early[seq]
        for frame in list(self._early.values()):
            self.live(frame)

    def expired(self, frame: Json) -> None:
        """The server erased what had ended by its clock, and says what is counted as of a head."""
        for message in self.messages.values():
            if message.ends is not None and message.ends <= frame["timestamp"]:
                message.erase(message.rev)
        if frame["asOfSeq"] >= self.cursor:
            self._told_unread, self._told_up_to = frame["unreadCount"], frame["asOfSeq"]

    def page(self, page: Json) -> None:
        """Messages as they stood at `asOfSeq`, and then what happened to them since."""
        for told in page["messages"]:
            self._take(told, int(told.get("rev") or told["seq"]), as_of=page["asOfSeq"])
        if not page["hasMore"]:
            self._whole_from = 1
        self.asking, kept = False, self._kept
        self._kept = []
        for event in kept:
            self._apply(event)

    @property
    def unread(self) -> int:
        """Counted where all that may be unread is here; else the server's count, less what was deleted since."""
        if self._whole_from > self._read_seq + 1:
            return self._told_unread
        return sum(self._is_unread(message) for message in self.messages.values())

    def _is_unread(self, message: Shown) -> bool:
        is_others = message.sender_id != self._user_id and message.seq > self._read_seq
        return is_others and not message.deleted and not message.hidden

    def _count(self, event: Json) -> None:
        """What an event behind the server's count does to that."""
        if event["seq"] <= self._told_up_to:
            return
        if event["type"] == "message.new" and event["senderId"] != self._user_id:
            self._told_unread += 1
        if event["type"] == "message.deleted" and event["messageSeq"] > self._read_seq:
            message = self.messages.get(event["messageSeq"])
            if message is None or self._is_unread(message):
                self._told_unread = max(0, self._told_unread - 1)

    def _apply(self, event: Json) -> None:
        """Its kind's reducer. One of a kind that is unknown changes nothing."""
        if event["type"] == "message.new":
            self._take({**event, "id": event["messageId"]}, int(event.get("rev") or event["seq"]), as_of=event["seq"])
            return
        reduce = _REDUCERS.get(event["type"])
        message = self.messages.get(event.get("messageSeq", 0))
        if reduce is None:
            return
        if message is not None:
            reduce(message, event, self._user_id)
        elif self.asking and len(self._kept) < MOST_KEPT:
            self._kept.append(event)

    def _take(self, told: Json, rev: int, *, as_of: int) -> None:
        """A message as it stands, unless what is here is newer."""
        if told.get("hidden"):
            told = {"senderId": "", "text": "", **told}
        if told["senderId"] == self._user_id:
            self._read_seq = max(self._read_seq, told["seq"])
        known = self.messages.get(told["seq"])
        if known is not None and rev < known.rev:
            return
        message = known or Shown(told["id"], told["seq"], told["senderId"], mine_rev=told["seq"])
        message.replace(told, rev)
        message.mine_rev = max(message.mine_rev, as_of) if "reactions" in told and known is None else message.mine_rev
        self.messages[message.seq] = message

    def _held(self, message_ids: Iterable[str]) -> list[Shown]:
        wanted = set(message_ids)
        return [message for message in self.messages.values() if message.message_id in wanted]


def _edited(message: Shown, event: Json, _: str) -> None:
    if event["seq"] > message.rev:
        message.replace(event, event["seq"])


def _deleted(message: Shown, event: Json, _: str) -> None:
    if event["seq"] > message.rev:
        message.erase(event["seq"])


def _pinned(message: Shown, event: Json, _: str) -> None:
    if event["seq"] > message.rev:
        message.pinned, message.rev = event["isPinned"], event["seq"]


def _reacted(message: Shown, event: Json, user_id: str) -> None:
    if event["senderId"] == user_id and event["seq"] > message.mine_rev and not message.deleted:
        (message.mine.add if event["on"] else message.mine.discard)(event["emoji"])
        message.mine_rev = event["seq"]
    if event["seq"] > message.rev:
        message.counts[event["emoji"]] = event["count"]
        message.rev = event["seq"]


_REDUCERS = {
    "message.edited": _edited,
    "message.deleted": _deleted,
    "message.pinned": _pinned,
    "message.reaction": _reacted,
}
