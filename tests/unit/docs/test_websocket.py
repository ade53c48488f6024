"""docs/websocket.md: each example has the fields that the code writes, and each client frame is one that it takes."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from gateway.session.commands import BadFrame, decode
from shared import account_frames, frames
from shared.events.conversation_changed import Added, ConversationChanged
from shared.events.message_deleted import MessageDeleted
from shared.events.message_edited import MessageEdited
from shared.events.message_new import MESSAGE_NEW, MessageNew
from shared.events.message_pinned import MessagePinned
from shared.events.message_reaction import MessageReaction

TEXT = (Path(__file__).parents[3] / "docs" / "websocket.md").read_text()
CONVERSATION = "b7c9a3b0-4d0e-4b52-8a52-1f3f7f0f8d21"
USER = "c2c7f6b1-6a53-4a38-a5d5-6b7f0f3c9e22"
MOMENT = "2026-11-22T20:15:04.123Z"
CONVERSATION_VIEW = msgspec.Raw(b'{"id": "x"}')

UPLOAD = msgspec.Raw(b'{"id": "x"}')

STATE = MessageNew(USER, None, "x", None, None, None, MOMENT, status=UNSET, rev=2, edited_at=MOMENT)
TOUCHES: dict[str, list[msgspec.Struct]] = {
    "message.edited": [MessageEdited(1), STATE],
    "message.deleted": [MessageDeleted(USER, 1, USER, "author")],
    "message.reaction": [MessageReaction(USER, 1, "x", on=True, count=1)],
    "message.pinned": [MessagePinned(USER, 1, is_pinned=True)],
    "conversation.changed": [
        ConversationChanged(1, "x", None, None, {"slowSeconds": 0}, [Added(USER, "member")], [USER], {USER: "owner"})
    ],
}


def touched(kind: str) -> bytes:
    """A frame of this kind, of all the parts that make its body."""
    body = {name: value for part in TOUCHES[kind] for name, value in msgspec.to_builtins(part).items()}
    return frames.durable(
        kind, timestamp=MOMENT, conversation_id=CONVERSATION, seq=2, sender_id=USER, body=msgspec.json.encode(body)
    )


WRITTEN: dict[str, bytes] = {
    "connected": frames.connected(
        user_id=USER,
        connection_id=USER,
        conversation_ids=[],
        heads={},
        epoch=USER,
        heartbeat_seconds=25,
        reconnect_jitter_ms=5000,
        max_frame_bytes=65536,
        conversation_count=0,
        last=True,
    ),
    "heads": frames.more_heads(heads={CONVERSATION: 1}, last=True),
    "message.new": frames.durable(
        MESSAGE_NEW.name,
        timestamp=MOMENT,
        conversation_id=CONVERSATION,
        seq=1,
        sender_id=USER,
        body=msgspec.json.encode(MessageNew(USER, None, "x", None, None, None, MOMENT)),
    ),
    **{kind: touched(kind) for kind in TOUCHES},
    "message.hidden": frames.message_hidden(conversation_id=CONVERSATION, message_id=USER, seq=1),
    "conversation.expired": frames.conversation_expired(
        conversation_id=CONVERSATION, up_to_seq=2, unread_count=1, mention_count=0, as_of_seq=3
    ),
    "moderation.notice": frames.moderation_notice(
        action="delete", reason="x", until=None, conversation_id=CONVERSATION, message_id=USER
    ),
    "scheduled.changed": account_frames.scheduled_changed(
        scheduled_id=USER, conversation_id=CONVERSATION, state="failed", failure="blocked"
    ),
    "blocks.changed": frames.blocks_changed(),
    "attachment.ready": frames.attachment("ready", UPLOAD),
    "attachment.rejected": frames.attachment("rejected", UPLOAD),
    "draft": account_frames.draft(
        conversation_id=CONVERSATION, text="x", reply_to=None, attachments=[], updated_at=MOMENT
    ),
    "saved": account_frames.saved(message_id=USER, on=True),
    "conversation.marked": account_frames.conversation_marked(
        conversation_id=CONVERSATION, is_archived=True, is_pinned=False, is_marked_unread=False
    ),
    "user.changed": account_frames.user_changed(user_id=USER, handle="x", display_name=None, avatar_url=None),
    "message.read": frames.receipt(
        status="read", conversation_id=CONVERSATION, message_id=USER, seq=1, reader_id=USER, reader_handle="x"
    ),
    "receipts.all": frames.receipts_all(conversation_id=CONVERSATION, delivered_up_to=2, read_up_to=1),
    "typing.start": frames.typing(conversation_id=CONVERSATION, sender_id=USER, sender_handle="x", is_typing=True),
    "event": frames.event(conversation_id=CONVERSATION, sender_id=USER, name="cursor", data=b'{"x": 1}'),
    "sync": frames.sync(conversation_id=CONVERSATION, last_seq=1),
    "presence.update": frames.presence_update(
        conversation_id=CONVERSATION, user_id=USER, is_online=False, last_seen_at=None
    ),
    "conversation.new": frames.conversation_new(conversation_id=CONVERSATION, conversation=CONVERSATION_VIEW),
    "conversation.left": frames.conversation_left(conversation_id=CONVERSATION),
    "reconnect": frames.reconnect(after_ms=1),
    "error": frames.error(code="x", message="x", ref="r1"),
    "ack": frames.answer("ack", ref="r1"),
}


def examples(marker: str) -> list[dict[str, Any]]:
    blocks = re.findall(rf"<!-- {marker} -->\n```json\n(.*?)\n```", TEXT, re.DOTALL)
    return [json.loads(block) for block in blocks]


@pytest.mark.parametrize("kind", WRITTEN)
def test_an_example_of_a_server_frame_has_the_fields_that_are_written(kind: str) -> None:
    shown = examples(f"server: {kind}")

    assert shown
    for example in shown:
        assert example["type"] == kind
        assert set(example) == set(json.loads(WRITTEN[kind]))


@pytest.mark.parametrize("example", examples("client"), ids=lambda example: str(example["type"]))
def test_an_example_of_a_client_frame_is_taken_by_the_gateway(example: dict[str, Any]) -> None:
    command = decode(json.dumps(example).encode())

    assert not isinstance(command, BadFrame)
    assert command.__struct_config__.tag == example["type"]
