"""Who is in a conversation, as the contract gives it."""

from enum import StrEnum
from typing import NamedTuple

from persistence.database.view import View


class Role(StrEnum):
    """What somebody may do in a group."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Participant(View, frozen=True):
    """`handle` is None for who never signed in; the others too for whose token says nothing of them."""

    id: str
    handle: str | None
    display_name: str | None = None
    avatar_url: str | None = None
    role: Role = Role.MEMBER


class RoomMember(View, frozen=True):
    """Somebody who is in a conversation, and since when."""

    id: str
    handle: str | None
    display_name: str | None
    avatar_url: str | None
    role: Role
    joined_at: str


class MemberPage(NamedTuple):
    """`next` is the id after which the next page begins."""

    members: list[RoomMember]
    next: str | None


class NotAMember(NamedTuple):
    """The user is not in this conversation, or there is none: the two look alike."""


class Present(NamedTuple):
    """The user is in this conversation, and may say something there. `handle` names them to the others."""

    handle: str | None


class Withdrew(NamedTuple):
    """The user blocks the other one of this conversation of two: they read what was there, and do nothing in it."""


class Muted(NamedTuple):
    """A moderator lets the user say nothing in this conversation until then (ISO 8601)."""

    until: str


class Member(NamedTuple):
    """A user and the version of their memberships that a change gave them."""

    user_id: str
    version: int
