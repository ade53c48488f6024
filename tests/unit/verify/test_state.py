"""tests/contract/histories.json: events in, state out, the same for the TypeScript client and for `services/verify`."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.verify.state import RoomState, Shown

HISTORIES = json.loads((Path(__file__).parents[2] / "contract" / "histories.json").read_text())


def shown(message: Shown) -> dict[str, Any]:
    return {
        "id": message.message_id,
        "text": message.text,
        "rev": message.rev,
        "deleted": message.deleted,
        "pinned": message.pinned,
        "reactions": [
            {"emoji": emoji, "count": count, "mine": emoji in message.mine}
            for emoji, count in message.counts.items()
            if count
        ],
    }


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: str(history["name"]))
def test_a_history_comes_to_the_state_that_stands_beside_it(history: dict[str, Any]) -> None:
    room = RoomState(history["userId"])
    for step in history["steps"]:
        [(kind, told)] = step.items()
        if kind == "asking":
            room.asking = told
        else:
            getattr(room, kind)(told)

    state = {
        "cursor": room.cursor,
        "messages": [shown(room.messages[seq]) for seq in sorted(room.messages) if not room.messages[seq].hidden],
        "unread": room.unread,
    }
    assert state == history["state"]
