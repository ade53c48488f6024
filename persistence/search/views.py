"""What a search finds."""

from typing import NamedTuple

from persistence.database.view import View
from persistence.messages.views import Message
from persistence.search.excerpts import Excerpt
from persistence.search.place import Place


class Result(View, frozen=True):
    """A message that was found, and the part of its text that shows why."""

    conversation_id: str
    message: Message
    excerpt: Excerpt


class Results(NamedTuple):
    """Newest first. `as_of_seq`: the head of each conversation that is named, when it was read. `next`: where the
    search goes on. `complete`: all above `next` was looked at and given; else a bound ended it."""

    results: list[Result]
    as_of_seq: dict[str, int]
    next: Place | None
    complete: bool


class NotYours(NamedTuple):
    """The caller is not in the conversation that was asked for."""
