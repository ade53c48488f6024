"""How far each conversation's log goes."""

from collections.abc import Iterable

from persistence.store.database import Database, Query
from shared.api import HeadsAnswer

# One statement is one snapshot: no head is older than another, nor than a version.
_HEADS = Query(
    "heads",
    """
SELECT 'epoch' AS kind, epoch AS id, 0::bigint AS number FROM meta
UNION ALL SELECT 'head', id, last_seq FROM conversations WHERE id = ANY ($1::uuid[])
UNION ALL SELECT 'version', id, version FROM users WHERE id = ANY ($2::uuid[])
""",
)


async def heads(database: Database, conversation_ids: Iterable[str], user_ids: Iterable[str]) -> HeadsAnswer:
    """Heads of conversations and versions of memberships, on the primary and of one moment."""
    rows = await _HEADS.rows(database, list(conversation_ids), list(user_ids))
    return HeadsAnswer(
        epoch=next(row["id"] for row in rows if row["kind"] == "epoch"),
        heads={row["id"]: row["number"] for row in rows if row["kind"] == "head"},
        versions={row["id"]: row["number"] for row in rows if row["kind"] == "version"},
    )
