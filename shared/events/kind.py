"""What a kind of durable event is to those who carry it."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple

import msgspec


class Compact(Enum):
    """What a compact sync gives in place of an event of this kind."""

    KEPT = auto()
    """The event itself."""
    IN_MESSAGE = auto()
    """Its message as that stands, once for all that touched it."""
    IN_CONVERSATION = auto()
    """The conversation's state, once for all that changed it."""


class Name(NamedTuple):
    """What a person is called now."""

    handle: str | None
    display_name: str | None


class EventKind(NamedTuple):
    """`code` is what Postgres keeps: one that was used once is never another kind's. `name` is the frame's type.

    `body` is the shape of all in the frame that is the kind's own. `shows_message`: the frame also carries the event's
    message as that stands when the frame is built, beside what was stored in the body. One that is `IN_MESSAGE` touches
    its message: the seq of the event becomes the `rev` of that. `erased` gives the body of an event whose message was
    deleted since, where the stored one tells what went with the message. `with_names` gives the body with the names of
    the people whom the event names, by id: a body stores no name of anybody.
    """

    code: int
    name: str
    body: type[msgspec.Struct]
    compact: Compact = Compact.KEPT
    shows_message: bool = False
    erased: Callable[[bytes], bytes] | None = None
    with_names: Callable[[bytes, Mapping[str, Name]], bytes] | None = None


class Body(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The base of every body."""
