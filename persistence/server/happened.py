"""What happened in a conversation, as webhooks and `/server/conversations/{id}/events` tell it: one payload for both.

A message that only its devices can read is told by its ids alone.
"""

from typing import Any

import msgspec

from persistence.log.logged import Logged

MOST_BYTES = 20 * 1024
"""Of a payload; a longer text is cut, and `truncated` says so."""

_IDS = ("conversationId", "seq", "senderId", "messageId")
_WORDS = ("text", "mediaUrl", "data")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def payload(event: Logged) -> bytes:
    """`{"type", "timestamp", "data": {"conversationId", "seq", "senderId", …}}`."""
    body = _decode(event.body)
    if body.get("opaque"):
        body = {name: value for name, value in body.items() if name not in _WORDS}
    data = {"conversationId": event.conversation_id, "seq": event.seq, "senderId": event.sender_id, **body}
    encoded = encoded_as(event.kind.name, event.at, data)
    return encoded if len(encoded) <= MOST_BYTES else encoded_as(event.kind.name, event.at, _cut(data, len(encoded)))


def people_payload(event: Logged, kind: str) -> bytes:
    """Of a `conversation.changed`: who came in, `member.joined`, or who is out, `member.left`."""
    body = _decode(event.body)
    added, removed = body.get("added", []), body.get("removed", [])
    is_join = kind == "member.joined"
    people = [one["id"] for one in added] if is_join else removed
    data = {"conversationId": event.conversation_id, "seq": event.seq, "senderId": event.sender_id, "userIds": people}
    extra = {"members": added} if is_join else {}
    return encoded_as(kind, event.at, {**data, **extra, "participantCount": body.get("participantCount")})


def encoded_as(kind: str, at: str, data: dict[str, Any]) -> bytes:
    return _encode({"type": kind, "timestamp": at, "data": data})


def _cut(data: dict[str, Any], size: int) -> dict[str, Any]:
    """With the beginning of its text, if that makes it short enough; else with ids alone."""
    text = data.get("text")
    others = size - len(_encode(text))
    if not isinstance(text, str) or others > MOST_BYTES - 1024:
        kept: dict[str, Any] = {
            name: data[name] for name in ("conversationId", "seq", "senderId", "messageId") if name in data
        }
        return {**kept, "truncated": True}
    # In JSON a character takes at most 12 bytes; of ordinary texts this keeps nearly all that there is room for.
    room = MOST_BYTES - 64 - others
    cut = text.encode()[:room].decode(errors="ignore")
    while len(_encode(cut)) > room:
        cut = cut[: len(cut) // 2]
    return {**data, "text": cut, "truncated": True}
