"""A message that was just sent, as the event of the log."""

import msgspec
from msgspec import UNSET

from persistence.log.logged import Logged
from persistence.messages.views import Message
from shared.events.message_new import MESSAGE_NEW, MessageNew

_encode = msgspec.json.Encoder().encode


def logged_message(message: Message, span: bytes | None = None) -> Logged:
    """The same event as the message's row makes."""
    return Logged(
        message.conversation_id,
        message.seq,
        MESSAGE_NEW,
        message.sender_id,
        message.created_at,
        _body(message),
        message.id,
        span,
    )


def _body(message: Message) -> bytes:
    state = MessageNew(
        message.id,
        message.sender_handle,
        message.text,
        message.client_id,
        message.reply_to,
        message.media_url,
        message.created_at,
        opaque=message.opaque or UNSET,
        data=UNSET if message.data is None else message.data,
        mentions=message.mentions or UNSET,
        forwarded=message.forwarded or UNSET,
        preview=message.preview or UNSET,
        expires_at=message.expires_at or UNSET,
        attachments=UNSET if not message.attachments else msgspec.Raw(_encode(message.attachments)),
        placeholder=message.placeholder or UNSET,
    )
    return _encode(state)
