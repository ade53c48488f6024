"""Who may have a file's bytes: asked for each use, many at once, in one statement."""

from collections.abc import Sequence

from persistence.database.pool import Database, Query, Row, columns
from persistence.database.visibility import BEGINS, REFUSED, is_hidden, keep_apart, stands
from shared.media_api import ANY_TYPE, Ask, File

# One's own that no message holds; one in a message that stands in one's view; the picture of somebody with whom one
# shares a conversation, or of a group in which one is.
_MAY = f"""
CASE WHEN a.message_seq IS NOT NULL THEN (
    SELECT true FROM participants p JOIN conversations c ON c.id = p.conversation_id
    JOIN messages m ON m.conversation_id = p.conversation_id AND m.seq = a.message_seq AND {stands("m")}
    WHERE p.conversation_id = a.conversation_id AND p.user_id = w.user_id AND p.left_at IS NULL
        AND a.message_seq > {BEGINS} AND (CASE WHEN p.hid_messages THEN {is_hidden("m", "w.user_id")} END) IS NULL
) WHEN a.owner_id = w.user_id THEN true ELSE (
    SELECT true FROM attachment_holds h WHERE h.attachment_id = a.id AND (
        h.holder = 'conversation_avatar' AND EXISTS (
            SELECT FROM participants p
            WHERE p.conversation_id = h.holder_id AND p.user_id = w.user_id AND p.left_at IS NULL)
        OR h.holder = 'user_avatar' AND EXISTS (
            SELECT FROM participants mine JOIN participants p ON p.conversation_id = mine.conversation_id
            WHERE mine.user_id = w.user_id AND mine.left_at IS NULL
                AND p.user_id = h.holder_id AND p.left_at IS NULL)
            AND {keep_apart("w.user_id", "h.holder_id")} IS NULL
    ) LIMIT 1
) END
"""

# A link in the preview of an invite is for the invite, whose id is nobody's: it shows the picture of the invite's group
# for as long as the invite lives.
_INVITED = """
EXISTS (
    SELECT FROM attachment_holds h JOIN invites i ON i.conversation_id = h.holder_id AND i.id = w.user_id
    WHERE h.attachment_id = a.id AND h.holder = 'conversation_avatar'
        AND i.expires_at > clock_timestamp() AND (i.max_uses IS NULL OR i.uses < i.max_uses))
"""

_ACCESS = Query(
    "attachment_access",
    f"""
SELECT w.place, a.blob, a.name, a.content_type, a.stored_size, a.sha256, a.is_encrypted,
       CASE WHEN a.has_thumb THEN coalesce(a.poster, a.blob) END AS thumb
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS w(id, user_id, place)
JOIN attachments a ON a.id = w.id AND a.state = 'ready'
LEFT JOIN users u ON u.id = w.user_id
WHERE CASE WHEN u.id IS NULL THEN {_INVITED} ELSE NOT {REFUSED} AND {_MAY} END
""",
)


async def access(database: Database, asks: Sequence[Ask]) -> list[File | None]:
    """In the order of the asks, whose ids are UUIDs; None where there is no such file for this user."""
    rows = await _ACCESS.rows(database, *columns([(ask.attachment_id, ask.user_id) for ask in asks], 2))
    found = {row["place"]: _file(row) for row in rows}
    return [found.get(place) for place in range(1, len(asks) + 1)]


def _file(row: Row) -> File:
    content_type = ANY_TYPE if row["is_encrypted"] else row["content_type"]
    return File(row["blob"], row["name"], content_type, row["stored_size"], row["sha256"], row["thumb"])
