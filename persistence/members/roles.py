"""What somebody may do to what others wrote: the one home of that table."""

from typing import Final

from persistence.members.views import Role

ROLE: Final = "CASE WHEN c.is_group AND c.created_by = p.user_id THEN 'owner' ELSE 'member' END"
"""Of a participant `p` in their conversation `c`: who made a group owns it, and nobody has another role."""

AUTHOR_ROLE: Final = "CASE WHEN c.is_group AND c.created_by = m.sender_id THEN 'owner' ELSE 'member' END"
"""The same of who sent the message `m`."""

_ABOVE = {Role.OWNER: 2, Role.ADMIN: 1, Role.MEMBER: 0}


def may_pin(role: Role, *, is_group: bool) -> bool:
    """In a conversation of two both may, in a group admins and owners."""
    return not is_group or role is not Role.MEMBER


def may_delete_of(role: Role, author: Role) -> bool:
    """For all, what another wrote: owners of everybody, admins of whoever is no owner."""
    return role is not Role.MEMBER and _ABOVE[role] >= _ABOVE[author]
