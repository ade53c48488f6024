"""Other mentions for a message that was sent. Those of a new one are written by the send statement."""

from typing import NamedTuple

import msgspec

from persistence.database.pool import Connection, Query
from persistence.database.visibility import EVERYBODY
from persistence.log.state import Extra
from persistence.members.views import Role
from persistence.messages.carrying import MOST_FOR_MEMBERS
from persistence.messages.views import Message, NotForAll
from shared.events.message_new import Mentioned

ALL = "all"

_PRESENT = Query(
    "present_of",
    """
SELECT c.members, ARRAY(
    SELECT p.user_id FROM unnest($2::uuid[]) WITH ORDINALITY AS w(id, nth)
    JOIN participants p ON p.conversation_id = c.id AND p.user_id = w.id AND p.left_at IS NULL ORDER BY w.nth
) AS present FROM conversations c WHERE c.id = $1
""",
)

# Whom the sending mentioned stays known: whoever an edit mentions is shown it, and not notified.
_WRITE = Query(
    "mention_by_edit",
    f"""
UPDATE messages SET extra = $5, notified = coalesce(notified, mentions, '{{}}'),
    mentions = CASE WHEN $4 THEN ARRAY[{EVERYBODY}] ELSE nullif($3::uuid[], '{{}}') END
WHERE conversation_id = $1 AND seq = $2
""",
)

# Beside the event that follows, which locks the conversation anyway.
_NOTE = Query(
    "note_mentions", "UPDATE conversations SET has_mentions = true WHERE id = $1 AND has_mentions IS NOT TRUE"
)

_encode = msgspec.json.Encoder().encode


class Named(NamedTuple):
    """Whom an edit wants to be mentioned, in either's place."""

    users: tuple[str, ...] = ()
    all: bool = False


async def resolve(
    connection: Connection, conversation_id: str, named: Named, *, is_group: bool, role: Role
) -> Mentioned | NotForAll:
    """Those of them who are in the conversation."""
    row = await _PRESENT.row(connection, conversation_id, named.users)
    if not named.all:
        return list(row["present"]) if row is not None else []
    if row is not None and is_group and row["members"] > MOST_FOR_MEMBERS and role is Role.MEMBER:
        return NotForAll()
    return ALL


async def write(connection: Connection, message: Message, mentions: Mentioned) -> None:
    """The message's row is locked. To be followed by the event of the edit."""
    users = [] if isinstance(mentions, str) else mentions
    extra = _extra_with(message, mentions)
    place = message.conversation_id, message.seq
    await _WRITE.rows(connection, *place, users, mentions == ALL, extra)
    if mentions:
        await _NOTE.rows(connection, message.conversation_id)


def _extra_with(message: Message, mentions: Mentioned) -> str | None:
    extra = Extra(
        mentions=mentions or msgspec.UNSET,
        forwarded=message.forwarded or msgspec.UNSET,
        preview=message.preview or msgspec.UNSET,
    )
    return None if extra == Extra() else _encode(extra).decode()
