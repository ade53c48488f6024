"""The one list of kinds of durable events."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.events.kind import EventKind
from shared.events.message_new import MESSAGE_NEW

KINDS: Final[tuple[EventKind, ...]] = (MESSAGE_NEW,)
"""In the order of their codes, which are never used again."""

BY_CODE: Final[Mapping[int, EventKind]] = MappingProxyType({kind.code: kind for kind in KINDS})
