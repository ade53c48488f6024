"""A user with a socket here: their sessions, their rooms, and how far their membership changes were applied."""

from typing import TYPE_CHECKING, Final

import msgspec

from gateway.rooms.reorder import Reorder
from gateway.rooms.room import Room
from gateway.websocket.connection import Connection
from shared import keys
from shared.api import LIVE_PRESENCE_MEMBERS
from shared.ids import id_text

if TYPE_CHECKING:
    from gateway.session.session import Session

_CHANNEL_PREFIX: Final = len(keys.user(""))


def user_channel(key: bytes) -> bytes:
    return keys.user(id_text(key)).encode()


def id_of_channel(channel: bytes) -> str:
    return channel[_CHANNEL_PREFIX:].decode()


class User(msgspec.Struct, gc=False, eq=False):
    """`sessions` are those who have been told `connected`; `arriving` counts the others, who are not yet.

    Membership changes are numbered by the user's version in Postgres; `changes` puts them in order.
    """

    channel: bytes
    handle: str
    sessions: "tuple[Session, ...]" = ()
    rooms: tuple[Room, ...] = ()
    arriving: int = 0
    changes: Reorder[bytes] = msgspec.field(default_factory=Reorder)

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
        return [room.conversation_id for room in self.rooms if room.people <= LIVE_PRESENCE_MEMBERS]

    def restart_changes(self) -> None:
        """The versions of before mean nothing any more."""
        self.changes.reset()

    def restart_changes_if_past(self, version: int) -> None:
        """What was applied beyond this version was applied to sessions that are gone: it is to come again."""
        if self.changes.forwarded > version:
            self.restart_changes()

    def add_room(self, room: Room) -> None:
        if room not in self.rooms:
            self.rooms = (*self.rooms, room)

    def remove_room(self, room: Room) -> None:
        self.rooms = tuple(other for other in self.rooms if other is not room)
