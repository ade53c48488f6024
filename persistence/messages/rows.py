"""The columns that make a message, and the message that they make."""

import msgspec

from persistence.attachments.views import held_files
from persistence.database.pool import Row
from persistence.database.visibility import gone_as, gone_at, reads_privately, stays
from persistence.log.state import extra_of
from persistence.messages.views import Message, Reaction
from persistence.receipts.views import Status
from shared.clock import iso, iso_or_none

_COLUMNS = f"""m.id, m.conversation_id, m.seq, m.sender_id, u.handle AS sender_handle, m.text, m.created_at,
    m.updated_at, m.client_id, m.reply_to, m.media_url, m.is_pinned, m.opaque, coalesce(m.rev, m.seq) AS rev,
    m.edited_at, {gone_at("m")} AS deleted_at, m.deleted_by, {gone_as("m")} AS deleted_as, m.data, m.reactions,
    m.extra, m.expires_at, m.attachments, coalesce(m.placeholder, false) AS placeholder"""

# What all who are in the conversation (its id, as SQL) have, and have read; whoever withdrew has no more than before:
# without them what the other one sent would look read. A sender's own cursors stand at or above
# what they sent. Who tells nobody how far they have read does not see it of others: for them nothing is read.
REACH = f"""
SELECT coalesce(min(p.delivered_seq), 0) AS delivered_up_to,
       CASE WHEN {reads_privately("{viewer}")} THEN 0 ELSE coalesce(min(p.read_seq), 0) END AS read_up_to
FROM participants p WHERE p.conversation_id = {{conversation}} AND {stays("p")}
"""


def my_emojis(viewer: str) -> str:
    """With which emojis this user reacts to the message `m`; looked for only where anybody reacts to it."""
    return f"""CASE WHEN m.reactions IS NOT NULL THEN ARRAY(
        SELECT r.emoji FROM reactions r
        WHERE r.conversation_id = m.conversation_id AND r.message_seq = m.seq AND r.user_id = {viewer}) END"""


def columns(viewer: str) -> str:
    """Of a message `m` and its sender `u`, as this user sees it."""
    return f"{_COLUMNS}, {my_emojis(viewer)} AS mine"


class Counted(msgspec.Struct, frozen=True):
    """An entry of `messages.reactions`."""

    emoji: str
    count: int


_counted = msgspec.json.Decoder(list[Counted]).decode


def counted(row: Row) -> list[Counted]:
    """Who reacts to the message, in the order in which each emoji came first."""
    return _counted(row["reactions"]) if row["reactions"] else []


def reactions_of(row: Row) -> list[Reaction]:
    mine = row["mine"] or ()
    return [Reaction(one.emoji, one.count, one.emoji in mine) for one in counted(row)]


def with_status(row: Row) -> Message:
    if row["seq"] <= row["read_up_to"]:
        return message_of(row, Status.READ)
    return message_of(row, Status.DELIVERED if row["seq"] <= row["delivered_up_to"] else Status.SENT)


def message_of(row: Row, status: Status = Status.SENT) -> Message:
    """A message from a row that has its columns, whatever else the row has. Of one that is past its time nothing is
    told that its row still holds."""
    if row["deleted_at"] is not None:
        return _tombstone(row, status)
    extra = extra_of(row)
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        seq=row["seq"],
        sender_id=row["sender_id"],
        sender_handle=row["sender_handle"],
        text=row["text"],
        created_at=iso(row["created_at"]),
        updated_at=iso(row["updated_at"]),
        client_id=row["client_id"],
        reply_to=row["reply_to"],
        media_url=row["media_url"],
        is_pinned=row["is_pinned"],
        status=status,
        opaque=row["opaque"],
        rev=row["rev"],
        edited_at=iso_or_none(row["edited_at"]),
        reactions=reactions_of(row),
        data=msgspec.Raw(row["data"]) if row["data"] else None,
        mentions=extra.mentions or [],
        forwarded=extra.forwarded or None,
        preview=extra.preview or None,
        expires_at=iso_or_none(row["expires_at"]),
        attachments=held_files(row["attachments"]),
        placeholder=row["placeholder"],
    )


def _tombstone(row: Row, status: Status) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        seq=row["seq"],
        sender_id=row["sender_id"],
        sender_handle=row["sender_handle"],
        text="",
        created_at=iso(row["created_at"]),
        updated_at=iso(row["updated_at"]),
        client_id=row["client_id"],
        reply_to=row["reply_to"],
        status=status,
        rev=row["rev"],
        deleted_at=iso_or_none(row["deleted_at"]),
        deleted_by=row["deleted_by"],
        by=row["deleted_as"],
    )
