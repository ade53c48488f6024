"""A group's whole state, as a compact sync tells it once for all that changed it."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from persistence.conversations.rows import NAMED
from persistence.database.pool import Database, Query, Row, columns
from persistence.members.roles import role_of
from persistence.members.settings import SETTINGS, settings_of
from shared.events.conversation_changed import Added, ConversationChanged

# Who is in it as far as a conversation names people, everybody who has a role, and who left since the client's place.
_STATES = Query(
    "group_states",
    f"""
SELECT c.id, c.name, c.members, g.description, g.avatar_url, {SETTINGS}, people.*, (
    SELECT array_agg(DISTINCT gone.id) FROM events e CROSS JOIN LATERAL unnest(e.removed) AS gone(id)
    WHERE e.conversation_id = c.id AND e.seq > w.after AND e.seq <= w.up_to AND e.removed IS NOT NULL
        AND (SELECT true FROM participants p
             WHERE p.conversation_id = c.id AND p.user_id = gone.id AND p.left_at IS NULL) IS NULL
) AS removed, (
    SELECT array_agg(ARRAY[p.user_id::text, {role_of("p")}]) FROM participants p
    WHERE p.conversation_id = c.id AND p.left_at IS NULL AND (p.role IS NOT NULL OR p.user_id = $4)
) AS roles
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS w(id, after, up_to)
JOIN conversations c ON c.id = w.id LEFT JOIN groups g ON g.conversation_id = c.id
CROSS JOIN LATERAL (
    SELECT array_agg(ARRAY[f.user_id::text, f.role, u.handle, u.display_name] ORDER BY f.user_id) AS people FROM (
        SELECT q.user_id, {role_of("q")} AS role FROM participants q
        WHERE q.conversation_id = c.id AND q.left_at IS NULL ORDER BY q.user_id LIMIT {NAMED}
    ) AS f JOIN users u ON u.id = f.user_id
) AS people
""",
)


async def states(database: Database, user_id: str, spans: Sequence[tuple[str, int, int]]) -> dict[str, bytes]:
    """Of each (conversation, after, up_to) the body of one `conversation.changed` that stands for all in that span."""
    if not spans:
        return {}
    rows = await _STATES.rows(database, *columns(spans, 3), user_id)
    return {row["id"]: msgspec.json.encode(_state(row)) for row in rows}


def _state(row: Row) -> ConversationChanged:
    return ConversationChanged(
        row["members"],
        row["name"],
        row["description"],
        row["avatar_url"],
        msgspec.to_builtins(settings_of(row)),
        [Added(*one) for one in row["people"] or ()],
        row["removed"] or UNSET,
        dict(row["roles"] or ()),
    )
