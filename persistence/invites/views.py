"""A link into a group, and what came of using one."""

from typing import NamedTuple

from persistence.database.view import View


class Invite(View, frozen=True):
    """`max_uses` None: as many as the group has room for."""

    id: str
    created_by: str
    created_at: str
    expires_at: str
    max_uses: int | None
    uses: int


class NewInvite(Invite, frozen=True):
    """`token` is told this once: it is what the link carries."""

    token: str


class InvitePreview(View, frozen=True):
    """What a group shows to whoever holds a link into it. `avatar_url` needs no header, and ends after 5 minutes."""

    name: str | None
    avatar_url: str | None
    participant_count: int


class Shown(NamedTuple):
    """The group of an invite. `avatar` is the id of the group's picture."""

    invite_id: str
    name: str | None
    avatar: str | None
    participant_count: int


class NoSuchInvite(NamedTuple):
    """It is spent, expired or revoked, or never was: they look alike."""


class WasRemoved(NamedTuple):
    """Others took the user out of this group: no link brings them back."""


class IsIn(NamedTuple):
    """The user is in this group already."""

    conversation_id: str
