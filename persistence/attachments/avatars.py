"""The picture of a user: an uploaded file that the user's profile holds."""

from persistence.attachments import references
from persistence.attachments.references import Holder
from persistence.database.pool import Connection


async def wear(connection: Connection, user_id: str, attachment_id: str | None) -> bool:
    """From the commit on this file of the user's own is their picture, None for none; the one before goes after a day.
    False where it is not there, is not ready, or was not announced as an avatar: the caller writes nothing then."""
    kept = [] if attachment_id is None else [attachment_id]
    if kept and not await references.hold(connection, user_id, kept, Holder.USER_AVATAR, user_id, None):
        return False
    await references.release(connection, Holder.USER_AVATAR, user_id, kept)
    return True
