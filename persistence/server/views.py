"""People and conversations as the app's own server is told of them."""

from typing import NamedTuple

import msgspec

from persistence.database.view import View
from persistence.members.views import Participant


class ServerUser(View, frozen=True):
    """`data` is the app's own JSON."""

    id: str
    handle: str | None
    display_name: str | None
    avatar_url: str | None
    created_at: str
    last_seen_at: str | None
    deactivated_at: str | None
    banned_at: str | None
    data: msgspec.Raw | None


class ServerConversation(View, frozen=True):
    """`participants` are the first 50 of them, `participantCount` is how many there are. `data` is the app's own."""

    id: str
    is_group: bool
    name: str | None
    bounty_id: str | int | None
    created_by: str
    created_at: str
    updated_at: str
    participants: list[Participant]
    participant_count: int
    last_seq: int
    data: msgspec.Raw | None


class NewUser(NamedTuple):
    """None: as it is. `data` as JSON text; empty: none from now on."""

    id: str
    handle: str | None
    data: str | None


class Unread(View, frozen=True):
    """Over all that somebody is in: messages of others that they did not read, of these the mentions, in how many
    conversations, and the number that their phone shows."""

    messages: int
    mentions: int
    conversations: int
    badge: int
