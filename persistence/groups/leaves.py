"""People leave a group, or are taken out of it: exactly at their event, and never without an owner left behind."""

from collections.abc import Sequence

from msgspec import UNSET

from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.groups.hold import Group, apply_settings, hold, roles
from persistence.groups.views import AsBefore, By, Gone, NotAGroup, NotAllowed
from persistence.log.append import append
from persistence.members import user_outbox as memberships
from persistence.members.roles import may_remove
from persistence.members.views import NotAMember, Role
from shared.events.conversation_changed import CONVERSATION_CHANGED, ConversationChanged
from shared.wire import Kind

_WAS_IN = Query(
    "was_in_group",
    """
SELECT FROM participants p JOIN conversations c ON c.id = p.conversation_id
WHERE p.conversation_id = $1 AND p.user_id = $2 AND c.is_group
""",
)

_OTHER_OWNERS = Query(
    "other_owners",
    """
SELECT FROM participants
WHERE conversation_id = $1 AND role = 'owner' AND left_at IS NULL AND user_id <> ALL ($2::uuid[]) LIMIT 1
""",
)

_HEIR = Query(
    "heir_of_group",
    """
SELECT user_id FROM participants
WHERE conversation_id = $1 AND left_at IS NULL AND user_id <> ALL ($2::uuid[])
ORDER BY role = 'admin' DESC NULLS LAST, joined_at, user_id LIMIT 1
""",
)

_LOCK = Query(
    "lock_leavers",
    """
SELECT FROM participants WHERE conversation_id = $1 AND user_id = ANY ($2::uuid[]) ORDER BY user_id FOR NO KEY UPDATE
""",
)

_LEAVE = Query(
    "leave_group",
    """
UPDATE participants SET left_at = now.at, removed_at = CASE WHEN $3 THEN now.at END, role = NULL
FROM date_trunc('milliseconds', clock_timestamp()) AS now(at)
WHERE conversation_id = $1 AND user_id = ANY ($2::uuid[])
""",
)

_CROWN = Query("crown_heir", "UPDATE participants SET role = 'owner' WHERE conversation_id = $1 AND user_id = $2")

_END = Query("end_invites", "DELETE FROM invites WHERE conversation_id = $1")

_SHRINK = Query("shrink_group", "UPDATE conversations SET members = members - $2 WHERE id = $1 RETURNING members")


async def remove(
    pool: Pool, conversation_id: str, by: By, user_id: str
) -> Gone | AsBefore | NotAMember | NotAGroup | NotAllowed:
    """Oneself, or another one. The last owner is followed by who stands longest among the admins, else the members."""
    is_own = by.user_id == user_id and not by.is_server
    async with transaction(pool) as connection:
        group = await hold(connection, conversation_id, by)
        if isinstance(group, NotAMember) and is_own and await _was_in(connection, conversation_id, user_id):
            return AsBefore()
        if not isinstance(group, Group):
            return group
        other = (await roles(connection, conversation_id, [user_id])).get(user_id)
        if not is_own and not may_remove(group.role, other or Role.MEMBER):
            return NotAllowed()
        if other is None:
            return AsBefore()
        return await take_out(connection, group, [user_id], removed=not is_own)


async def _was_in(connection: Connection, conversation_id: str, user_id: str) -> bool:
    return await _WAS_IN.row(connection, conversation_id, user_id) is not None


async def take_out(connection: Connection, group: Group, user_ids: Sequence[str], *, removed: bool) -> Gone:
    """These members of the held group. The last statements of the caller's transaction."""
    conversation_id = group.conversation_id
    heir = await _heir(connection, conversation_id, user_ids)
    await _LOCK.rows(connection, conversation_id, [*user_ids, *([heir] if heir else [])])
    await _LEAVE.rows(connection, conversation_id, user_ids, removed)
    if heir is not None:
        await _CROWN.rows(connection, conversation_id, heir)
        await apply_settings(connection, conversation_id, [heir])
    changes = await memberships.change_many(connection, [(one, Kind.LEFT, conversation_id) for one in user_ids])
    left = await _SHRINK.row(connection, conversation_id, len(user_ids))
    assert left is not None, "a purge waits for the group's lock"
    if not left["members"]:
        await _END.rows(connection, conversation_id)
    roles_now = UNSET if heir is None else {heir: Role.OWNER.value}
    body = ConversationChanged(left["members"], removed=list(user_ids), roles=roles_now)
    logged = await append(
        connection,
        conversation_id,
        group.by,
        CONVERSATION_CHANGED,
        body,
        people=left["members"],
        removed=user_ids,
    )
    return Gone(conversation_id, logged, changes, heir)


async def _heir(connection: Connection, conversation_id: str, leaving: Sequence[str]) -> str | None:
    """Who is to own the group once these left; None where another owner stays, or nobody at all."""
    if await _OTHER_OWNERS.row(connection, conversation_id, leaving) is not None:
        return None
    row = await _HEIR.row(connection, conversation_id, leaving)
    return None if row is None else str(row["user_id"])
