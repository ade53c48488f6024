"""Who does not want to be pushed for a conversation, and until when."""

from datetime import datetime
from typing import NamedTuple

from persistence.database.pool import Database, Query
from persistence.database.visibility import ARCHIVED
from persistence.members.views import NotAMember

# A mute keeps an archived conversation where it is: what it kept until now stays so, and what was back stays back.
_MUTE = Query(
    "mute_conversation",
    f"""
UPDATE participants p SET muted_until = $3, mentions_only = nullif($4, false),
    archived_ordinal = CASE WHEN {ARCHIVED} THEN c.last_ordinal END
FROM conversations c
WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_at IS NULL AND c.id = p.conversation_id RETURNING true
""",
)

_MUTED = Query(
    "muted_conversation",
    """
SELECT CASE WHEN muted_until > now() THEN muted_until END AS until,
       muted_until > now() AND mentions_only IS TRUE AS mentions_only
FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL
""",
)


class Muted(NamedTuple):
    """`until` None: pushes come. `mentions_only`: until then those of messages that mention the user come."""

    until: datetime | None
    mentions_only: bool = False


RINGS = Muted(None)


async def mute(database: Database, user_id: str, conversation_id: str, muted: Muted) -> NotAMember | None:
    """What is pushed of this conversation to this user."""
    done = await _MUTE.row(database, conversation_id, user_id, muted.until, muted.mentions_only)
    return None if done else NotAMember()


async def read(database: Database, user_id: str, conversation_id: str) -> Muted | NotAMember:
    """One whose time is over rings."""
    row = await _MUTED.row(database, conversation_id, user_id)
    return NotAMember() if row is None else Muted(row["until"], bool(row["mentions_only"]))
