"""The rows of conversations, as the app's own server writes and reads them."""

from collections.abc import Sequence

import asyncpg
import msgspec

from persistence.conversations import bounty
from persistence.conversations.creating import create
from persistence.conversations.views import Created, KeptApart
from persistence.database.pool import Database, Pool, Query, Row
from persistence.members.views import Participant
from persistence.messages.views import NoSuchConversation
from persistence.server.views import ServerConversation
from shared.clock import iso

NAMED = 50

_READ = Query(
    "server_conversation",
    f"""
SELECT c.id, c.is_group, c.name, c.bounty_id, c.created_by, c.created_at, c.updated_at, c.members, c.last_seq, d.data,
       people.*
FROM conversations c LEFT JOIN conversation_data d ON d.conversation_id = c.id CROSS JOIN LATERAL (
    SELECT array_agg(f.user_id ORDER BY f.user_id) AS ids, array_agg(u.handle ORDER BY f.user_id) AS handles,
           array_agg(u.display_name ORDER BY f.user_id) AS display_names,
           array_agg(u.avatar_url ORDER BY f.user_id) AS avatar_urls
    FROM (
        SELECT q.user_id FROM participants q WHERE q.conversation_id = c.id AND q.left_at IS NULL
        ORDER BY q.user_id LIMIT {NAMED}
    ) AS f JOIN users u ON u.id = f.user_id
) AS people WHERE c.id = $1
""",
)

_PUT_DATA = Query(
    "server_conversation_data",
    """
INSERT INTO conversation_data (conversation_id, data) SELECT id, $2 FROM conversations WHERE id = $1
ON CONFLICT (conversation_id) DO UPDATE SET data = excluded.data RETURNING conversation_id
""",
)
_CLEAR_DATA = Query("server_conversation_data_clear", "DELETE FROM conversation_data WHERE conversation_id = $1")


async def read(database: Database, conversation_id: str) -> ServerConversation | NoSuchConversation:
    row = await _READ.row(database, conversation_id)
    return NoSuchConversation() if row is None else _view(row)


async def start(
    pool: Pool,
    people: Sequence[str],
    *,
    conversation_id: str | None,
    created_by: str | None,
    system_id: str,
    is_group: bool,
    name: str | None,
    bounty_id: str | int | None,
    per_bounty: bool,
) -> Created | KeptApart | ServerConversation:
    """A new conversation of these people, or, of two, the one that they have; a `ServerConversation` where one
    of this id is there already. Without `created_by` nobody in it made it."""
    if conversation_id is not None and isinstance(known := await read(pool, conversation_id), ServerConversation):
        return known
    try:
        return await create(
            pool,
            created_by or people[0],
            people,
            is_group=is_group,
            name=name,
            bounty_id=bounty_id,
            per_bounty=per_bounty,
            conversation_id=conversation_id,
            created_by=created_by or system_id,
        )
    except asyncpg.UniqueViolationError:
        # Race: another request made the one of this id between our look and our insert. Only ids can clash.
        known = NoSuchConversation() if conversation_id is None else await read(pool, conversation_id)
        if isinstance(known, NoSuchConversation):
            raise
        return known


async def put_data(pool: Pool, conversation_id: str, data: str | None) -> ServerConversation | NoSuchConversation:
    """None takes the data away."""
    if data is None:
        await _CLEAR_DATA.rows(pool, conversation_id)
    else:
        await _PUT_DATA.rows(pool, conversation_id, data)
    return await read(pool, conversation_id)


def _view(row: Row) -> ServerConversation:
    each = zip(
        row["ids"] or (), row["handles"] or (), row["display_names"] or (), row["avatar_urls"] or (), strict=True
    )
    return ServerConversation(
        id=row["id"],
        is_group=row["is_group"],
        name=row["name"],
        bounty_id=bounty.from_text(row["bounty_id"]),
        created_by=row["created_by"],
        created_at=iso(row["created_at"]),
        updated_at=iso(row["updated_at"]),
        participants=[Participant(*one) for one in each],
        participant_count=row["members"],
        last_seq=row["last_seq"],
        data=msgspec.Raw(row["data"]) if row["data"] else None,
    )
