"""Who may do what in a conversation: the one home of that table."""

from typing import Final

from persistence.members.settings import GroupSettings, Who
from persistence.members.views import Role


def role_of(participant: str, conversation: str = "c") -> str:
    """Of a participant (an alias) in their conversation (another). A group without a row in `groups` is of a release
    without roles: who made it owns it."""
    return f"""(CASE WHEN {participant}.role IS NOT NULL THEN {participant}.role
        WHEN {conversation}.is_group AND {conversation}.created_by = {participant}.user_id
            AND (SELECT true FROM groups h WHERE h.conversation_id = {conversation}.id) IS NULL THEN 'owner'
        ELSE 'member' END)"""


ROLE: Final = role_of("p")
"""Of a participant `p` in their conversation `c`."""

AUTHOR_ROLE: Final = f"""coalesce((
    SELECT {role_of("a")} FROM participants a
    WHERE a.conversation_id = c.id AND a.user_id = m.sender_id AND a.left_at IS NULL), 'member')"""
"""The same of who sent the message `m`; who left is a member like others."""

_RANK = {Role.OWNER: 2, Role.ADMIN: 1, Role.MEMBER: 0}


def may_pin(role: Role, settings: GroupSettings, *, is_group: bool) -> bool:
    """In a conversation of two both may."""
    return not is_group or _is_among(role, settings.pin)


def may_delete_of(role: Role, author: Role) -> bool:
    """For all, what another wrote: owners of everybody, admins of whoever is no owner."""
    return role is not Role.MEMBER and _RANK[role] >= _RANK[author]


def may_edit(role: Role, settings: GroupSettings) -> bool:
    """What the group is called, how it is described and what stands for it."""
    return _is_among(role, settings.edit)


def may_set(role: Role) -> bool:
    """How the group is set; and who comes in by a link."""
    return role is not Role.MEMBER


def may_add(role: Role, settings: GroupSettings, *, with_history: bool) -> bool:
    """People; what was said before is shown to them by admins and owners alone."""
    return _is_among(role, settings.add) and (not with_history or role is not Role.MEMBER)


def may_remove(role: Role, other: Role) -> bool:
    """Another one: owners anybody, admins members."""
    return role is Role.OWNER or (role is Role.ADMIN and other is Role.MEMBER)


def may_appoint(role: Role) -> bool:
    """Say who is what."""
    return role is Role.OWNER


def _is_among(role: Role, who: Who) -> bool:
    return who == "members" or role is not Role.MEMBER
