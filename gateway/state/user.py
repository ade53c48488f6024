"""A user with a socket here: their sessions, their rooms, and how far their membership changes were applied."""

from collections.abc import Collection, Mapping
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.state.reorder import Reorder
from gateway.state.room import Room
from gateway.websocket.connection import Connection
from shared import keys
from shared.api import LIVE_PRESENCE_MEMBERS, LIVE_PRESENCE_ROOMS
from shared.auth import Profile
from shared.ids import id_text

if TYPE_CHECKING:
    from gateway.state.session import Session

NOWHERE: Final[frozenset[str]] = frozenset()
NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
FEW: Final = 64
"""Rooms up to which a tuple of them is looked through: smaller than a dictionary, which most users would never need."""
_CHANNEL_PREFIX: Final = len(keys.user(""))


def user_channel(key: bytes) -> bytes:
    return keys.user(id_text(key)).encode()


def id_of_channel(channel: bytes) -> str:
    return channel[_CHANNEL_PREFIX:].decode()


def held_together(rooms: Collection[Room]) -> Collection[Room]:
    """The same rooms in their order, so kept that asking for one costs little however many they are."""
    return tuple(rooms) if len(rooms) <= FEW else dict.fromkeys(rooms)


class User(msgspec.Struct, gc=False, eq=False):
    """`sessions` are those who have been told `connected`; `arriving` counts the others, who are not yet.

    Membership changes are numbered by the user's version in Postgres; `changes` puts them in order. `hidden` are those
    of the conversations that the sessions were told to have left, because the user hid them up to that seq: their rooms
    stay the user's, as any message brings them back. In those that are `barred` a block lets the user say nothing.
    """

    channel: bytes
    profile: Profile
    sessions: "tuple[Session, ...]" = ()
    rooms: Collection[Room] = ()
    """Made by `held_together`."""
    arriving: int = 0
    hidden: Mapping[str, int] = NOTHING
    barred: frozenset[str] = NOWHERE
    changes: Reorder[bytes] = msgspec.field(default_factory=Reorder)
    other_handle: str | None = None
    """What Postgres calls the user, where the token says otherwise."""

    @property
    def handle(self) -> str:
        return self.other_handle or self.profile.handle

    def rename(self, handle: str | None) -> None:
        """None: persistence does not say."""
        self.other_handle = None if handle == self.profile.handle else handle

    @property
    def user_id(self) -> str:
        return id_of_channel(self.channel)

    @property
    def is_gone(self) -> bool:
        return not self.sessions and not self.arriving

    def connections(self, *, acks: bool | None = None) -> list[Connection]:
        """All of them; only those with, or without, the promise to acknowledge."""
        return [session.connection for session in self.sessions if acks is None or session.acks is acks]

    def live_rooms(self) -> list[str]:
        """The conversations that hear of their members' presence."""
        live = (
            room
            for room in self.rooms
            if room.people <= LIVE_PRESENCE_MEMBERS and room.conversation_id not in self.barred
        )
        return [room.conversation_id for room in islice(live, LIVE_PRESENCE_ROOMS)]

    def lists(self, conversation_id: str, counted: int) -> bool:
        """Whether the user has not hidden it up to this message's seq."""
        return counted > self.hidden.get(conversation_id, -1)

    def restart_changes(self) -> None:
        """The versions of before mean nothing any more."""
        self.changes.reset()

    def restart_changes_if_past(self, version: int) -> None:
        """What was applied beyond this version was applied to sessions that are gone: it is to come again."""
        if self.changes.forwarded > version:
            self.restart_changes()

    def add_room(self, room: Room) -> None:
        if isinstance(self.rooms, dict):
            self.rooms[room] = None
        elif room not in self.rooms:
            self.rooms = held_together((*self.rooms, room))

    def remove_room(self, room: Room) -> None:
        if isinstance(self.rooms, dict):
            self.rooms.pop(room, None)
        else:
            self.rooms = tuple(other for other in self.rooms if other is not room)
