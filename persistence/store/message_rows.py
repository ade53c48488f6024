"""The columns that make a message, and the message that they make."""

from persistence.store.database import Row
from persistence.store.views import Message, Status
from shared.clock import iso

COLUMNS = """m.id, m.conversation_id, m.seq, m.sender_id, u.handle AS sender_handle, m.text, m.created_at,
    m.updated_at, m.client_id, m.reply_to, m.media_url, m.is_pinned, m.opaque"""

# What all who are in the conversation (its id, as SQL) have, and have read. A sender's own cursors stand at or above
# what they sent.
REACH = """
SELECT min(p.delivered_seq) AS delivered_up_to, min(p.read_seq) AS read_up_to
FROM participants p WHERE p.conversation_id = {conversation} AND p.left_at IS NULL
"""


def with_status(row: Row) -> Message:
    if row["seq"] <= row["read_up_to"]:
        return message_of(row, Status.READ)
    return message_of(row, Status.DELIVERED if row["seq"] <= row["delivered_up_to"] else Status.SENT)


def message_of(row: Row, status: Status = Status.SENT) -> Message:
    """A message from a row that has its columns, whatever else the row has."""
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
    )
