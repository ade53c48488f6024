"""How a group is set: who may do what in it, and what holds for its messages."""

from typing import Final, Literal, TypeAlias

from persistence.database.pool import Row
from persistence.database.view import View

Who: TypeAlias = Literal["members", "admins"]
"""Everybody, or those who have a role."""


class GroupSettings(View, frozen=True):
    """Who may add people, edit what the group is called, pin, and send. `expire_seconds`: after which a message is
    gone, null for never. `slow_seconds`: between two messages of one member; 0 for as many as they like."""

    add: Who = "admins"
    edit: Who = "admins"
    pin: Who = "admins"
    send: Who = "members"
    expire_seconds: int | None = None
    slow_seconds: int = 0


DEFAULT_SETTINGS: Final = GroupSettings()

SETTINGS: Final = "g.add_by, g.edit_by, g.pin_by, g.send_by, g.expire_seconds, g.slow_seconds"
"""Of a group `g`; all null for one that was never set."""


def settings_of(row: Row) -> GroupSettings:
    """From a row that has SETTINGS."""
    if row["add_by"] is None:
        return DEFAULT_SETTINGS
    return GroupSettings(
        row["add_by"], row["edit_by"], row["pin_by"], row["send_by"], row["expire_seconds"], row["slow_seconds"]
    )
