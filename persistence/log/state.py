"""A message as the frames of its events show it."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from persistence.database.pool import Row
from shared.clock import iso
from shared.events.message_new import Forwarded, Mentioned, MessageNew, Preview

_encode = msgspec.json.Encoder().encode


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `messages.extra` holds."""

    mentions: Mentioned | UnsetType = UNSET
    forwarded: Forwarded | UnsetType = UNSET
    preview: Preview | UnsetType = UNSET


_extra = msgspec.json.Decoder(Extra).decode
NO_EXTRA = Extra()


def extra_of(row: Row) -> Extra:
    """Of a row that has `extra`."""
    return _extra(row["extra"]) if row["extra"] else NO_EXTRA


class HiddenState(msgspec.Struct, frozen=True, rename="camel"):
    """What is told to who deleted the message for themselves alone: its place."""

    message_id: str
    text: str
    created_at: str
    hidden: bool

    @classmethod
    def of(cls, row: Row) -> "HiddenState":
        return cls(row["message_id"], "", iso(row["sent_at"]), hidden=True)

    def encode(self) -> bytes:
        return _encode(self)


def state_of(row: Row, *, is_news: bool, reactions: bytes | None = None) -> bytes:
    """Of a row that has `rows.STATE`. Only one that `is_news` tells a status. `reactions` stand for those of the row,
    which nobody's own are told apart in."""
    if row["deleted_at"] is not None:
        return _encode(_tombstone(row, is_news=is_news))
    state = MessageNew(
        row["message_id"],
        row["sender_handle"],
        row["text"],
        row["client_id"],
        row["reply_to"],
        row["media_url"],
        iso(row["sent_at"]),
        status="sent" if is_news else UNSET,
        opaque=row["opaque"] or UNSET,
    )
    if row["rev"] is not None or row["data"] is not None or row["attachments"] is not None:
        state = _touched(state, row, reactions)
    if row["extra"] is not None or row["expires_at"] is not None:
        state = _carrying(state, row)
    return _encode(state)


def _tombstone(row: Row, *, is_news: bool) -> MessageNew:
    """All but what numbers and connects the message is empty, whatever its row still holds."""
    return MessageNew(
        row["message_id"],
        row["sender_handle"],
        "",
        row["client_id"],
        row["reply_to"],
        None,
        iso(row["sent_at"]),
        status="sent" if is_news else UNSET,
        rev=UNSET if row["rev"] is None else row["rev"],
        deleted_at=_time(row, "deleted_at"),
        deleted_by=row["deleted_by"] or UNSET,
        by=row["deleted_as"] or UNSET,
    )


def _touched(state: MessageNew, row: Row, reactions: bytes | None) -> MessageNew:
    told = reactions or row["reactions"]
    return msgspec.structs.replace(
        state,
        rev=UNSET if row["rev"] is None else row["rev"],
        is_pinned=row["is_pinned"] or UNSET,
        edited_at=_time(row, "edited_at"),
        reactions=Raw(told) if told else UNSET,
        data=Raw(row["data"]) if row["data"] else UNSET,
        attachments=Raw(row["attachments"]) if row["attachments"] else UNSET,
        placeholder=row["placeholder"] or UNSET,
    )


def _carrying(state: MessageNew, row: Row) -> MessageNew:
    extra = extra_of(row)
    return msgspec.structs.replace(
        state,
        mentions=extra.mentions,
        forwarded=extra.forwarded,
        preview=extra.preview,
        expires_at=_time(row, "expires_at"),
    )


def _time(row: Row, column: str) -> str | UnsetType:
    return UNSET if row[column] is None else iso(row[column])
