"""The one list of kinds of durable events."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.events.conversation_changed import CONVERSATION_CHANGED
from shared.events.kind import EventKind
from shared.events.message_deleted import MESSAGE_DELETED
from shared.events.message_edited import MESSAGE_EDITED
from shared.events.message_new import MESSAGE_NEW
from shared.events.message_pinned import MESSAGE_PINNED
from shared.events.message_reaction import MESSAGE_REACTION

KINDS: Final[tuple[EventKind, ...]] = (
    MESSAGE_NEW,
    MESSAGE_EDITED,
    MESSAGE_DELETED,
    MESSAGE_REACTION,
    MESSAGE_PINNED,
    CONVERSATION_CHANGED,
)
"""In the order of their codes, which are never used again."""

BY_CODE: Final[Mapping[int, EventKind]] = MappingProxyType({kind.code: kind for kind in KINDS})
