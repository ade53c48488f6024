"""What came of a change of a group."""

from typing import NamedTuple

from persistence.conversations.views import Created
from persistence.log.logged import Logged
from persistence.members.user_outbox import Change
from persistence.members.views import NotAMember


class By(NamedTuple):
    """Who changes a group. `is_server`: the app's own server, for which no role counts and which need not be in it;
    `user_id` is then in whose name it is told."""

    user_id: str
    is_server: bool = False


class NotAGroup(NamedTuple):
    """A conversation of two people, who are what they are."""


class NotAllowed(NamedTuple):
    """The role of who asks does not do."""


class NoSuchMember(NamedTuple):
    """The other one is not in the group."""


class LastOwner(NamedTuple):
    """Nobody else owns the group: it would have no owner."""


class NoSuchPicture(NamedTuple):
    """It is no avatar of the caller's own that is ready."""


class AtLimit(NamedTuple):
    """`what` there may be no more of."""

    what: str


class AsBefore(NamedTuple):
    """It was so already: nothing changed, and nobody is told."""


class Changed(NamedTuple):
    """By this event."""

    logged: Logged


class Joined(NamedTuple):
    """`ids` came in by the event. `arrived`: the conversation as those see it who see it alike."""

    ids: list[str]
    logged: Logged | None
    arrived: list[Created]


class Gone(NamedTuple):
    """Who left is out by the event."""

    conversation_id: str
    logged: Logged
    changes: list[Change]
    heir: str | None = None
    """Who owns the group from now on, because its last owner left."""


Refused = NotAMember | NotAGroup | NotAllowed | NoSuchMember | LastOwner | NoSuchPicture | AtLimit
"""What may stand in the way."""
