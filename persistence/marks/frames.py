"""The frame that tells how a conversation is kept."""

from persistence.marks.store import Marks
from shared import account_frames


def marked(conversation_id: str, marks: Marks) -> bytes:
    return account_frames.conversation_marked(
        conversation_id=conversation_id,
        is_archived=marks.is_archived,
        is_pinned=marks.is_pinned,
        is_marked_unread=marks.is_marked_unread,
    )
