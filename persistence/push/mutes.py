"""Who does not want to be pushed for a conversation, and until when."""

from datetime import datetime

from persistence.database.pool import Database, Query
from persistence.members.views import NotAMember

_MUTE = Query(
    "mute_conversation",
    """
UPDATE participants SET muted_until = $3
WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL RETURNING true
""",
)

_MUTED = Query(
    "muted_conversation",
    """
SELECT CASE WHEN muted_until > now() THEN muted_until END AS until
FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL
""",
)


async def mute(database: Database, user_id: str, conversation_id: str, until: datetime | None) -> NotAMember | None:
    """No pushes of this conversation for this user until then; None ends it."""
    return None if await _MUTE.row(database, conversation_id, user_id, until) else NotAMember()


async def muted_until(database: Database, user_id: str, conversation_id: str) -> datetime | NotAMember | None:
    """None where pushes come, also where the time is over."""
    row = await _MUTED.row(database, conversation_id, user_id)
    return NotAMember() if row is None else row["until"]
