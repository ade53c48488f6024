"""Frames by which a user's devices hear what another one did. Not durable: each has a route that tells the same."""

from collections.abc import Sequence

from shared.frames import encode


def draft(
    *, conversation_id: str, text: str | None, reply_to: str | None, attachments: Sequence[str], updated_at: str
) -> bytes:
    """The draft as it stands; text None: it is gone."""
    return encode(
        "draft",
        conversationId=conversation_id,
        text=text,
        replyTo=reply_to,
        attachments=list(attachments),
        updatedAt=updated_at,
    )


def scheduled_changed(*, scheduled_id: str, conversation_id: str, state: str, failure: str | None) -> bytes:
    """A scheduled message is `waiting`, `sent`, `failed` (with the code of the refusal) or `cancelled` now."""
    return encode(
        "scheduled.changed",
        scheduledId=scheduled_id,
        conversationId=conversation_id,
        state=state,
        failure=failure,
    )


def saved(*, message_id: str, on: bool) -> bytes:
    return encode("saved", messageId=message_id, on=on)


def conversation_marked(*, conversation_id: str, is_archived: bool, is_pinned: bool, is_marked_unread: bool) -> bytes:
    """All three as they stand."""
    return encode(
        "conversation.marked",
        conversationId=conversation_id,
        isArchived=is_archived,
        isPinned=is_pinned,
        isMarkedUnread=is_marked_unread,
    )


def user_changed(*, user_id: str, handle: str | None, display_name: str | None, avatar_url: str | None) -> bytes:
    """For the user's own devices, and for those who share a conversation with them."""
    return encode("user.changed", userId=user_id, handle=handle, displayName=display_name, avatarUrl=avatar_url)
