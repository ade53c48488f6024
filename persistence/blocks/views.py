"""Blocks as their owner sees them, and the outcomes of blocking and unblocking."""

from typing import NamedTuple

from persistence.conversations.views import Conversation
from persistence.database.view import View
from persistence.members.user_outbox import Change


class Block(View, frozen=True):
    """`handle` is None for who never signed in."""

    user_id: str
    handle: str | None
    created_at: str


class Blocking(NamedTuple):
    """The two are not in touch as they were. `changes` are theirs, `back` the conversations that came back to the
    caller, as the caller sees them, and `ended` those that are over for the caller."""

    changes: list[Change]
    back: dict[str, Conversation]
    ended: list[str]


class AsBefore(NamedTuple):
    """It was so already, and nothing changed."""


class TooMany(NamedTuple):
    """The caller blocks as many people as one may."""
