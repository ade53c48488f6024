"""A group whose governance is locked: how every transaction begins that changes who is in it, as what, or how it is
set.

The row in `groups` is locked before all others, by these transactions and a purge alone; nobody who holds another row
waits for one. So whoever holds it sees members and roles that nobody else changes: two owners who leave at once leave
one after the other, and of an invite's last use there is one. What is judged is read in a second statement, which is a
new snapshot. After it come participants by user, then users by id, then the conversation, as everywhere.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.database.pool import Connection, Query, Row
from persistence.groups.views import By, NotAGroup
from persistence.members.roles import ROLE, role_of
from persistence.members.settings import SETTINGS, GroupSettings, settings_of
from persistence.members.views import NotAMember, Role

_LOCK = Query("hold_group", "SELECT FROM groups WHERE conversation_id = $1 FOR NO KEY UPDATE")

# Of a release without roles: its maker owns it, or who stands longest where that one is out. Of two who adopt it at
# once the second waits for the first one's commit, and then holds nothing: the lock is asked for again.
_ADOPT = Query(
    "adopt_group",
    """
WITH adopted AS (
    INSERT INTO groups (conversation_id) SELECT id FROM conversations WHERE id = $1 AND is_group
    ON CONFLICT DO NOTHING RETURNING conversation_id
), owner AS (
    SELECT p.user_id FROM adopted JOIN participants p USING (conversation_id) JOIN conversations c ON c.id = $1
    WHERE p.left_at IS NULL ORDER BY p.user_id = c.created_by DESC, p.joined_at, p.user_id LIMIT 1
)
UPDATE participants p SET role = 'owner' FROM owner WHERE p.conversation_id = $1 AND p.user_id = owner.user_id
""",
)

_READ = Query(
    "held_group",
    f"""
SELECT c.is_group, c.name, c.members, g.description, g.avatar_url, {SETTINGS},
       p.user_id IS NOT NULL AS is_in, {ROLE} AS role
FROM conversations c LEFT JOIN groups g ON g.conversation_id = c.id
LEFT JOIN participants p ON p.conversation_id = c.id AND p.user_id = $2 AND p.left_at IS NULL
WHERE c.id = $1
""",
)

_ROLES = Query(
    "held_roles",
    f"""
SELECT q.user_id, {role_of("q")} AS role FROM participants q JOIN conversations c ON c.id = q.conversation_id
WHERE q.conversation_id = $1 AND q.user_id = ANY ($2::uuid[]) AND q.left_at IS NULL
""",
)

# What the settings mean for a sender stands in the sender's own row.
_APPLY = Query(
    "apply_settings",
    """
WITH held AS MATERIALIZED (
    SELECT p.user_id FROM participants p
    WHERE p.conversation_id = $1 AND p.left_at IS NULL AND ($2::uuid[] IS NULL OR p.user_id = ANY ($2))
    ORDER BY p.user_id FOR NO KEY UPDATE
)
UPDATE participants p
SET reads_only = g.send_by = 'admins' AND p.role IS NULL, expire_seconds = g.expire_seconds,
    slow_seconds = CASE WHEN g.slow_seconds > 0 AND p.role IS NULL
        AND (SELECT true FROM roles r WHERE r.user_id = p.user_id) IS NULL THEN g.slow_seconds END,
    next_send_at = CASE WHEN g.slow_seconds > 0 THEN p.next_send_at END
FROM groups g, held
WHERE g.conversation_id = $1 AND p.conversation_id = $1 AND p.user_id = held.user_id
""",
)

_SERVER: Final = Role.OWNER


class Group(NamedTuple):
    """`role` is that of who holds it, who is told as `by`; `people` are so many."""

    conversation_id: str
    by: str
    role: Role
    people: int
    name: str | None
    description: str | None
    avatar_url: str | None
    settings: GroupSettings


async def lock(connection: Connection, conversation_id: str) -> None:
    """Until the caller's transaction ends. To be taken before any other row; no harm where there is no such group."""
    if await _LOCK.row(connection, conversation_id) is None:
        await _ADOPT.rows(connection, conversation_id)
        await _LOCK.rows(connection, conversation_id)


async def hold(connection: Connection, conversation_id: str, by: By) -> Group | NotAMember | NotAGroup:
    """`lock`, and the group behind it as this one may change it."""
    await lock(connection, conversation_id)
    row = await _READ.row(connection, conversation_id, by.user_id)
    if row is None or not (row["is_in"] or by.is_server):
        return NotAMember()
    return _group(conversation_id, by, row) if row["is_group"] else NotAGroup()


def _group(conversation_id: str, by: By, row: Row) -> Group:
    role = _SERVER if by.is_server else Role(row["role"])
    called = row["name"], row["description"], row["avatar_url"]
    return Group(conversation_id, by.user_id, role, row["members"], *called, settings_of(row))


async def open_to(connection: Connection, conversation_id: str, user_id: str) -> Group | None:
    """The same as a newcomer finds it, who comes in by themselves. None: there is no such group."""
    group = await hold(connection, conversation_id, By(user_id, is_server=True))
    return group if isinstance(group, Group) else None


async def roles(connection: Connection, conversation_id: str, user_ids: Sequence[str]) -> dict[str, Role]:
    """What those of these users are who are in the held group."""
    rows = await _ROLES.rows(connection, conversation_id, user_ids)
    return {row["user_id"]: Role(row["role"]) for row in rows}


async def apply_settings(connection: Connection, conversation_id: str, user_ids: Sequence[str] | None = None) -> None:
    """What the held group's settings mean for these members from now on, or for all of them."""
    await _APPLY.rows(connection, conversation_id, user_ids)
