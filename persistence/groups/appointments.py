"""Who is what in a group, as its owners say."""

from persistence.database.pool import Pool, Query, transaction
from persistence.groups.hold import Group, apply_settings, hold, roles
from persistence.groups.views import (
    AsBefore,
    By,
    Changed,
    LastOwner,
    NoSuchMember,
    NotAGroup,
    NotAllowed,
)
from persistence.log.append import append
from persistence.members.roles import may_appoint
from persistence.members.views import NotAMember, Role
from shared.events.conversation_changed import CONVERSATION_CHANGED, ConversationChanged

# The group's lock is held: whoever else owns it goes on owning it.
_IS_ONLY_OWNER = Query(
    "is_only_owner",
    """
SELECT count(*) FILTER (WHERE role = 'owner' AND user_id <> $2) = 0 AS is_only FROM participants
WHERE conversation_id = $1 AND left_at IS NULL
""",
)

_APPOINT = Query(
    "appoint",
    """
UPDATE participants SET role = nullif($3::text, 'member') WHERE conversation_id = $1 AND user_id = $2
""",
)


async def appoint(
    pool: Pool, conversation_id: str, by: By, user_id: str, role: Role
) -> Changed | AsBefore | NotAMember | NotAGroup | NotAllowed | NoSuchMember | LastOwner:
    """Whoever is so already stays so, without an event. There is always an owner."""
    async with transaction(pool) as connection:
        group = await hold(connection, conversation_id, by)
        if not isinstance(group, Group):
            return group
        if not may_appoint(group.role):
            return NotAllowed()
        before = (await roles(connection, conversation_id, [user_id])).get(user_id)
        if before is None:
            return NoSuchMember()
        if before is role:
            return AsBefore()
        if before is Role.OWNER:
            row = await _IS_ONLY_OWNER.row(connection, conversation_id, user_id)
            if row is not None and row["is_only"]:
                return LastOwner()
        await _APPOINT.rows(connection, conversation_id, user_id, role)
        await apply_settings(connection, conversation_id, [user_id])
        body = ConversationChanged(group.people, roles={user_id: role})
        return Changed(await append(connection, conversation_id, group.by, CONVERSATION_CHANGED, body))
