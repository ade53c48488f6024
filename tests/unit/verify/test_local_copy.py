"""A simulated device follows an answer that has more behind it, and keeps the mark only at the end."""

from typing import Any
from unittest.mock import ANY

from services.verify.frames import step_of
from services.verify.history import DeviceHistory, Event, MinimaSeen, Opened
from services.verify.local_copy import LocalCopy


def answer(complete: bool, following: str | None = None) -> dict[str, Any]:
    part = {"events": [], "firstSeq": 1, "lastSeq": 0, "complete": True}
    told = {"conversations": {"room": part}, "left": [], "epoch": "e", "asOf": "7", "complete": complete}
    return told | ({"next": following} if following else {})


def test_a_page_is_followed_by_the_next_one_and_the_mark_is_kept_with_the_last() -> None:
    copy = LocalCopy(DeviceHistory("ada", "phone"))
    assert copy.question() == {"conversations": {}}
    assert not copy.adopt(answer(complete=False, following="7.room"), 1)
    assert copy.question() == {"conversations": {"room": 0}, "after": "7.room"}
    assert copy.adopt(answer(complete=True), 1)
    assert copy.question() == {"conversations": {"room": 0}, "asOf": "7"}


def test_heads_in_parts_and_minima_are_understood() -> None:
    assert step_of({"type": "heads", "heads": {"room": 3}, "last": False}, 2) == Opened(2, {"room": 3})
    everybody = {"type": "receipts.all", "conversationId": "room", "deliveredUpTo": 2, "readUpTo": 1}
    assert step_of(everybody, 2) == MinimaSeen("room", 2, 1, 2)


def test_an_event_of_any_kind_takes_its_place_and_only_a_message_is_shown() -> None:
    history = DeviceHistory("ada", "phone")
    copy = LocalCopy(history)
    for seq, kind in enumerate(("message.new", "test.note", "message.new", "test.note"), 1):
        about = {"messageId": f"m{seq}", "text": "hi"} if kind == "message.new" else {"words": "noted"}
        frame = {"type": kind, "conversationId": "room", "seq": seq} | about
        assert step_of(frame, 1) == Event("room", seq, kind, 1, True, at=ANY)
        assert copy.add(frame)
    assert not copy.add({"type": "test.note", "conversationId": "room", "seq": 6})

    assert (copy.cursor("room"), copy.newest("room"), history.held) == (4, 3, {"room": {1: "m1", 3: "m3"}})


def test_a_message_is_shown_as_its_events_leave_it() -> None:
    history = DeviceHistory("ada", "phone")
    copy = LocalCopy(history)
    told: list[dict[str, Any]] = [
        {"type": "message.new", "messageId": "m1", "text": "helo"},
        {"type": "message.new", "messageId": "m2", "text": "oh no"},
        {"type": "message.edited", "messageId": "m1", "messageSeq": 1, "text": "hello"},
        {"type": "message.deleted", "messageId": "m2", "messageSeq": 2},
        {"type": "message.pinned", "messageId": "m1", "messageSeq": 1, "isPinned": True},
        {"type": "message.reaction", "messageId": "m1", "messageSeq": 1, "emoji": "+1", "on": True, "count": 1},
    ]
    assert all(copy.add({"conversationId": "room", "seq": seq} | frame) for seq, frame in enumerate(told, 1))

    assert (copy.cursor("room"), history.texts) == (6, {"room": {1: "hello", 2: ""}})
