"""What two people's conversation is found by, and what making a new one would begin."""

from collections.abc import Iterable, Sequence

from persistence.conversations import bounty
from persistence.conversations.views import Begins
from persistence.database.pool import Database, Query

# What a new conversation would begin: for its creator's quotas, which are no invariant, so two at once may count one
# twice.
_BEGINS = Query(
    "conversation_begins",
    """
SELECT EXISTS (SELECT FROM conversations WHERE direct_key = $2) AS existing,
    (SELECT count(*) FROM unnest($1::uuid[]) AS w(id) LEFT JOIN users u ON u.id = w.id WHERE u.id IS NULL) AS strangers
""",
)

_ELDEST_DIRECT = Query(
    "eldest_direct_conversation",
    """
SELECT c.direct_key FROM participants p JOIN participants q USING (conversation_id)
JOIN conversations c ON c.id = p.conversation_id
WHERE p.user_id = $1 AND q.user_id = $2 AND c.direct_key IS NOT NULL ORDER BY c.created_at, c.id LIMIT 1
""",
)


async def begins(
    database: Database, people: Iterable[str], *, is_group: bool, bounty_id: str | int | None, per_bounty: bool = True
) -> Begins | None:
    """What making a conversation of these people, the caller among them, would begin; None where it is there."""
    named = sorted(people)
    key = direct_key(named, is_group or len(named) > 2, bounty.to_text(bounty_id))
    if key is not None and not per_bounty:
        key = await pair_key(database, named)
    row = await _BEGINS.row(database, named, key)
    assert row is not None, "a SELECT without FROM has one row"
    return None if row["existing"] else Begins(row["strangers"])


async def pair_key(database: Database, people: Sequence[str]) -> str:
    """The key of the eldest conversation of these two, whatever it is about, else of the one to be made."""
    row = await _ELDEST_DIRECT.row(database, *people)
    return ":".join([*people, ""]) if row is None else str(row["direct_key"])


def direct_key(people: Sequence[str], group: bool, about: str | None) -> str | None:
    """What two people's conversation about something is found by; None for a group."""
    return None if group else ":".join([*people, about or ""])
