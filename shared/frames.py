"""The server's WebSocket frames as finished JSON bytes. Field names and their order of reading are the contract's.

Persistence builds those of durable events and receipts, a gateway the rest. Each is built once per event.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from shared.clock import now_iso

RECEIPT_TYPES = {"delivered": "message.delivered", "read": "message.read"}


def encode(kind: str, **fields: Any) -> bytes:
    """A frame of this type; `timestamp` is now unless it is given."""
    return orjson.dumps({"type": kind, "timestamp": fields.pop("timestamp", None) or now_iso(), **fields})


def durable(kind: str, *, timestamp: str, conversation_id: str, seq: int, sender_id: str, body: bytes) -> bytes:
    """A durable event: what all of them have, and then the members of `body`, a JSON object.

    `timestamp` is the time of the commit, so that the frame from the log equals the one that was published. Spliced and
    not encoded again, for a body may be large: type, ids and time hold nothing that JSON would escape.
    """
    head = (
        f'{{"type":"{kind}","timestamp":"{timestamp}","conversationId":"{conversation_id}","seq":{seq}'
        f',"senderId":"{sender_id}"'
    )
    return head.encode() + (b"}" if len(body) <= len(b"{}") else b"," + body[1:])


def receipt(
    *, status: str, conversation_id: str, message_id: str, seq: int, reader_id: str, reader_handle: str | None
) -> bytes:
    """`status` is delivered or read: `reader_id` has everything up to and with this message."""
    return encode(
        RECEIPT_TYPES[status],
        conversationId=conversation_id,
        messageId=message_id,
        seq=seq,
        senderId=reader_id,
        senderHandle=reader_handle,
        status=status,
    )


def receipts_all(*, conversation_id: str, delivered_up_to: int, read_up_to: int) -> bytes:
    """Everybody in this big group has, and has read, all up to and with these."""
    return encode("receipts.all", conversationId=conversation_id, deliveredUpTo=delivered_up_to, readUpTo=read_up_to)


def message_hidden(*, conversation_id: str, message_id: str, seq: int) -> bytes:
    """For the devices of who deleted the message for themselves alone."""
    return encode("message.hidden", conversationId=conversation_id, messageId=message_id, messageSeq=seq)


def blocks_changed() -> bytes:
    """For the devices of who blocked or unblocked somebody."""
    return encode("blocks.changed")


def attachment(state: str, shown: msgspec.Raw) -> bytes:
    """For the devices of who uploads: the file is `ready`, or `rejected`."""
    return encode(f"attachment.{state}", attachment=orjson.Fragment(bytes(shown)))


def conversation_expired(
    *, conversation_id: str, up_to_seq: int, unread_count: int, mention_count: int, as_of_seq: int
) -> bytes:
    """For one member's devices: the messages up to there whose time is over were erased. Counts are as of a head."""
    return encode(
        "conversation.expired",
        conversationId=conversation_id,
        upToSeq=up_to_seq,
        unreadCount=unread_count,
        mentionCount=mention_count,
        asOfSeq=as_of_seq,
    )


def moderation_notice(
    *, action: str, reason: str, until: str | None, conversation_id: str | None, message_id: str | None
) -> bytes:
    """To the devices of whom it concerns. What it does not concern is left out."""
    concerned = {"conversationId": conversation_id, "messageId": message_id}
    told = {name: value for name, value in concerned.items() if value is not None}
    return encode("moderation.notice", action=action, reason=reason, until=until, **told)


def typing(*, conversation_id: str, sender_id: str, sender_handle: str | None, is_typing: bool) -> bytes:
    return encode(
        "typing.start" if is_typing else "typing.stop",
        conversationId=conversation_id,
        senderId=sender_id,
        senderHandle=sender_handle,
    )


def typing_over(start: bytes) -> bytes:
    """The stop of this `typing.start`, from whichever release."""
    return orjson.dumps({**orjson.loads(start), "type": "typing.stop", "timestamp": now_iso()})


def presence_update(*, conversation_id: str, user_id: str, is_online: bool, last_seen_at: str | None) -> bytes:
    return encode(
        "presence.update",
        conversationId=conversation_id,
        userId=user_id,
        senderId=user_id,
        isOnline=is_online,
        lastSeenAt=last_seen_at,
    )


def event(*, conversation_id: str, sender_id: str, name: str, data: bytes) -> bytes:
    """`data` is the JSON that the sender gave: spliced, and not encoded again."""
    return encode("event", conversationId=conversation_id, senderId=sender_id, name=name, data=orjson.Fragment(data))


def sync(*, conversation_id: str, last_seq: int) -> bytes:
    return encode("sync", conversationId=conversation_id, lastSeq=last_seq)


def conversation_new(*, conversation_id: str, conversation: msgspec.Raw) -> bytes:
    return encode("conversation.new", conversationId=conversation_id, conversation=orjson.Fragment(bytes(conversation)))


def conversation_left(*, conversation_id: str) -> bytes:
    return encode("conversation.left", conversationId=conversation_id)


def reconnect(*, after_ms: int) -> bytes:
    return encode("reconnect", afterMs=after_ms)


def error(*, code: str, message: str, ref: Any = None, **extra: Any) -> bytes:
    return encode("error", code=code, message=message, ref=ref, **extra)


def answer(kind: str, *, ref: Any = None, **extra: Any) -> bytes:
    """`pong` or `ack`; a ref is repeated as it came."""
    return encode(kind, **extra) if ref is None else encode(kind, ref=ref, **extra)


def connected(
    *,
    user_id: str,
    connection_id: str,
    conversation_ids: Sequence[str],
    heads: dict[str, int],
    epoch: str,
    heartbeat_seconds: float,
    reconnect_jitter_ms: int,
    max_frame_bytes: int,
    conversation_count: int,
    last: bool,
) -> bytes:
    """`heads` are of the newest conversations; without `last` frames `heads` bring those of the others."""
    return encode(
        "connected",
        userId=user_id,
        connectionId=connection_id,
        conversationIds=list(conversation_ids),
        heads=heads,
        epoch=epoch,
        heartbeatSeconds=_plain(heartbeat_seconds),
        reconnectJitterMs=reconnect_jitter_ms,
        maxFrameBytes=max_frame_bytes,
        conversationCount=conversation_count,
        last=last,
    )


def more_heads(*, heads: dict[str, int], last: bool) -> bytes:
    """A part of what did not fit into `connected`; after the `last` one a client knows of all."""
    return encode("heads", conversationIds=list(heads), heads=heads, last=last)


def _plain(number: float) -> float:
    """25, not 25.0: some clients tell the two apart."""
    return int(number) if number == int(number) else number
