"""`conversation.changed`: what a group is called, how it is set, who is in it and as what. Whatever is named is so from
now on; the rest stays."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from shared.events.kind import Body, Compact, EventKind, Name


class Added(Body, frozen=True, omit_defaults=True):
    """Somebody who came in. The names are joined when the frame is built, and stored nowhere."""

    id: str
    role: str
    handle: str | UnsetType | None = UNSET
    display_name: str | UnsetType | None = UNSET


class ConversationChanged(Body, frozen=True):
    """`avatar_url` None: there is none. `removed` are out from this event on; `roles` tells who is what now."""

    participant_count: int
    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    avatar_url: str | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    added: list[Added] | UnsetType = UNSET
    removed: list[str] | UnsetType = UNSET
    roles: dict[str, str] | UnsetType = UNSET


def named(body: bytes, names: Mapping[str, Name]) -> bytes:
    """With what each of those who came in is called now."""
    told = msgspec.json.decode(body, type=ConversationChanged)
    if isinstance(told.added, UnsetType):
        return body
    added = [_named(one, names[one.id]) if one.id in names else one for one in told.added]
    return msgspec.json.encode(msgspec.structs.replace(told, added=added))


def _named(one: Added, name: Name) -> Added:
    return msgspec.structs.replace(one, handle=name.handle, display_name=name.display_name)


CONVERSATION_CHANGED = EventKind(
    6, "conversation.changed", ConversationChanged, Compact.IN_CONVERSATION, with_names=named
)
