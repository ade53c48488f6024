"""tests/contract/*.json, which the TypeScript client's tests read too: both sides mean the same frames."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.session.commands import BadFrame, decode
from shared.events.message_new import MessageNew
from tests.unit.docs.test_websocket import WRITTEN

CONTRACT = Path(__file__).parents[2] / "contract"


def golden(name: str) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = json.loads((CONTRACT / name).read_text())
    return frames


def known(frame: dict[str, Any]) -> bool:
    return frame["type"] in WRITTEN


@pytest.mark.parametrize(
    "frame",
    [one["frame"] for one in golden("server-frames.json") if known(one["frame"])],
    ids=lambda frame: frame["type"],
)
def test_a_golden_server_frame_has_no_field_that_the_server_does_not_write(frame: dict[str, Any]) -> None:
    # The answer to a join, the error before a close for which there is no room, and what a message has only when set.
    extra = {
        "ack": {"ref", "conversationId", "lastSeq"},
        "error": {"ref", "retryAfterMs"},
        "message.new": {field.encode_name for field in msgspec.structs.fields(MessageNew)},
    }.get(frame["type"], {"ref"})

    assert set(frame) <= set(json.loads(WRITTEN[frame["type"]])) | extra


def test_every_frame_that_the_server_writes_has_a_golden_one() -> None:
    assert set(WRITTEN) <= {one["frame"]["type"] for one in golden("server-frames.json")}


@pytest.mark.parametrize("golden_frame", golden("client-frames.json"), ids=lambda one: str(one["name"]))
def test_the_gateway_takes_every_golden_client_frame(golden_frame: dict[str, Any]) -> None:
    assert not isinstance(decode(json.dumps(golden_frame["frame"]).encode()), BadFrame)
