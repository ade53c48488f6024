"""What comes of asking whether a text may be sent."""

from typing import NamedTuple


class Allowed(NamedTuple):
    """`flagged`: it is sent, and moderators look at it."""

    flagged: bool = False


class Rewritten(NamedTuple):
    """It is sent with this text instead."""

    text: str


class Rejected(NamedTuple):
    """It is not sent; the sender is told why."""

    reason: str


class Held(NamedTuple):
    """A moderator decides first."""

    reason: str | None = None


class Unchecked(NamedTuple):
    """The hook failed, and the operator wants it sent all the same: moderators look at it."""


class Unavailable(NamedTuple):
    """The hook failed, and the operator wants nothing sent meanwhile."""


Verdict = Allowed | Rewritten | Rejected | Held | Unchecked | Unavailable
"""For the sender."""

Answer = Allowed | Rewritten | Rejected | Held
"""Of the hook."""
