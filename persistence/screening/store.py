"""What is known of a message before anybody is asked about it: so that a stranger cannot make the hook ring, and a
repeat never asks twice."""

from typing import Any, NamedTuple

from persistence.database.pool import Database, Query
from shared.clock import iso, iso_or_none

_FACTS = Query(
    "before_send_facts",
    """
SELECT c.is_group, c.members, u.handle, u.created_at, (
    SELECT true FROM messages m
    WHERE m.conversation_id = $1 AND m.sender_id = $2 AND m.client_id = $3) IS NOT NULL AS was_sent,
    h.id AS held_id, h.state, h.reason, h.created_at AS held_at
FROM participants p JOIN conversations c ON c.id = p.conversation_id JOIN users u ON u.id = p.user_id
LEFT JOIN held_messages h ON h.conversation_id = $1 AND h.sender_id = $2 AND h.client_id = $3
WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_at IS NULL AND NOT p.barred
    AND (p.silenced_until IS NULL OR p.silenced_until <= now())
""",
)

# Of who need not be in the conversation, nor be anybody.
_FACTS_OF_NOBODY = Query(
    "before_post_facts",
    """
SELECT c.is_group, c.members, u.handle, u.created_at, (
    SELECT true FROM messages m
    WHERE m.conversation_id = $1 AND m.sender_id = $2 AND m.client_id = $3) IS NOT NULL AS was_sent,
    h.id AS held_id, h.state, h.reason, h.created_at AS held_at
FROM conversations c LEFT JOIN users u ON u.id = $2
LEFT JOIN held_messages h ON h.conversation_id = $1 AND h.sender_id = $2 AND h.client_id = $3
WHERE c.id = $1
""",
)


class HeldBefore(NamedTuple):
    """The same message waits already, or was rejected for this reason."""

    id: str
    created_at: str
    state: str
    reason: str | None


class Facts(NamedTuple):
    """`known` is what the hook is told of the conversation and the sender."""

    known: dict[str, Any]


async def read(
    database: Database, conversation_id: str, sender_id: str, client_id: str | None, *, by_nobody: bool = False
) -> Facts | HeldBefore | None:
    """None: the send itself answers, with a refusal or with what was sent before. `by_nobody`: the sender need not be
    in the conversation."""
    facts = _FACTS_OF_NOBODY if by_nobody else _FACTS
    row = await facts.row(database, conversation_id, sender_id, client_id)
    if row is None or row["was_sent"]:
        return None
    if row["held_id"] is not None:
        return HeldBefore(row["held_id"], iso(row["held_at"]), row["state"], row["reason"])
    sender = {"id": sender_id, "handle": row["handle"], "createdAt": iso_or_none(row["created_at"])}
    return Facts(
        {
            "conversationId": conversation_id,
            "isGroup": row["is_group"],
            "participantCount": row["members"],
            "sender": sender,
            "clientId": client_id,
        }
    )
