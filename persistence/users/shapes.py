"""The shapes of presence."""

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.http.fields import (
    IDS_PATTERN,
    MAX_IDS,
    Id,
)


class PresenceQuery(msgspec.Struct, rename="camel"):
    user_ids: Annotated[str, Meta(pattern=IDS_PATTERN, description=f"ids, separated by commas, at most {MAX_IDS}")]


class PresenceView(msgspec.Struct, rename="camel"):
    """`lastSeenAt` is when they last went offline; null if never."""

    user_id: str
    is_online: bool
    last_seen_at: str | None


class PresenceAnswer(msgspec.Struct):
    """Of those asked about who share a conversation with the caller; others are left out.

    `unknown` are those of whom nothing is known at this moment, because Redis is away or slow. Keep what was known of
    them, and ask again in a moment.
    """

    presence: list[PresenceView]
    unknown: list[Id]
