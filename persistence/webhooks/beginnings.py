"""`conversation.created`, told from the memberships that a new conversation begins with: they wait in an outbox of
their own until they were told, so a death in between repeats, and loses nothing."""

from collections.abc import Sequence

from persistence.conversations import bounty
from persistence.database.pool import Database, Query, columns
from persistence.webhooks.noting import Hooks
from persistence.webhooks.types import CREATED
from shared.clock import iso
from shared.wire import Kind

# Who was there from the beginning joined when the conversation was made; they also join again one that they hid. What
# was noted is kept for longer than RECENT, so that a repeat notes nothing.
RECENT = "6 days"

_BEGUN = Query(
    "hooks_begun",
    f"""
SELECT DISTINCT c.id, c.is_group, c.name, c.bounty_id, c.created_by, c.created_at, c.members
FROM unnest($1::uuid[], $2::bigint[]) AS w(user_id, version)
JOIN user_outbox o ON o.user_id = w.user_id AND o.version = w.version AND o.kind = {int(Kind.JOINED)}
JOIN conversations c ON c.id = o.conversation_id AND c.created_at > now() - interval '{RECENT}'
JOIN participants p ON p.conversation_id = c.id AND p.user_id = o.user_id AND p.joined_at = c.created_at
""",
)


class Beginnings:
    """Runs no statement where nobody is told of new conversations."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    async def follow(self, database: Database, members: Sequence[tuple[str, int]]) -> None:
        """Of these (user, version), before they are forgotten. Raises DATABASE_FAILURES."""
        if not self._hooks.wants(CREATED):
            return
        for row in await _BEGUN.rows(database, *columns(list(members), 2)):
            data = {
                "conversationId": row["id"],
                "isGroup": row["is_group"],
                "name": row["name"],
                "bountyId": bounty.from_text(row["bounty_id"]),
                "createdBy": row["created_by"],
                "createdAt": iso(row["created_at"]),
                "participantCount": row["members"],
            }
            await self._hooks.note(database, CREATED, "created", data, row["id"])
