"""The rooms and users of this gateway: found, made when somebody comes, ended when nobody is left."""

from typing import Final

from gateway.forwarding.listener import HubListener
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import User
from shared import keys
from shared.auth import Profile
from shared.ids import id_bytes, id_text
from shared.wire import NOBODY

_EPOCH: Final = slice(36, 52)


class Registry:
    """`listener` is set once, before anything comes; `epoch` names the line of history that the rooms follow."""

    listener: HubListener

    def __init__(self) -> None:
        self.rooms: dict[bytes, Room] = {}
        self.users: dict[bytes, User] = {}
        self.epoch = b""
        # How many left a room for a while: it goes on, so that they may come back to it.
        self._paused: dict[Room, int] = {}

    def has_others(self, room: Room, user: bytes) -> bool:
        """Whether anybody is in the room, or comes in, but the user whose channel this is."""
        for newcomer in room.newcomers or ():
            if newcomer.user_channel != user:
                return True
        if not room.members:
            return False
        known = self.users.get(user)
        own = known.connections() if known is not None else ()
        return any(member not in own for member in room.members)

    def user(self, user_id: str) -> User | None:
        return self.users.get(keys.user(user_id).encode())

    def room(self, conversation_id: str) -> Room | None:
        return self.rooms.get(keys.room(conversation_id).encode())

    def users_in(self, room: Room) -> set[User]:
        """Those of whom somebody here is a member, or left it for a while."""
        inside = {member.owner.user for member in room.members}  # type: ignore[attr-defined]
        if room in self._paused:
            inside |= {user for user in self.users.values() for one in user.sessions if one.is_paused_in(room)}
        return inside

    def room_of(self, session: Session, conversation_id: str) -> Room | None:
        """The room, if the session's user is in this conversation."""
        room = self.room(conversation_id)
        return room if room in session.user.rooms else None

    def open_room(self, conversation_id: str, people: int) -> Room:
        """The room, made if it is not there. Whoever makes one puts somebody into it, then subscribes its channel."""
        channel = keys.room(conversation_id).encode()
        room = self.rooms.get(channel)
        if room is None:
            room = self.rooms[channel] = Room(channel, people)
        if people:
            room.people = people
        return room

    def open_user(self, user_id: str, profile: Profile) -> User:
        """The user, made if they are not there. Whoever makes one lets a session arrive, then subscribes."""
        channel = keys.user(user_id).encode()
        user = self.users.get(channel)
        if user is None:
            user = self.users[channel] = User(channel, profile)
        return user

    def live_rooms(self, user_channel: bytes) -> list[str]:
        """The user's conversations in which presence is live."""
        user = self.users.get(user_channel)
        return [] if user is None else user.live_rooms()

    def leave(self, session: Session, room: Room) -> None:
        """The session is in the room no longer; an empty room ends."""
        if session.is_paused_in(room):
            self.end_pause(session, room)
        elif room.is_newcomer(session) or session.is_attached:
            room.discard(session)
        if room.is_empty and room not in self._paused and self.rooms.get(room.channel) is room:
            del self.rooms[room.channel]
            self.listener.on_empty([room.channel])

    def end_pause(self, session: Session, room: Room) -> None:
        left = self._paused.pop(room) - 1
        if left:
            self._paused[room] = left
        if session.paused is not None:
            session.paused.discard(room)

    def adopt_epoch(self, epoch: str) -> bool:
        """False where this is another line of history than the one that the rooms follow."""
        canonical = id_bytes(epoch)
        if not self.epoch:
            self.epoch = canonical
            self.listener.on_epoch()
        return self.epoch == canonical

    @property
    def epoch_id(self) -> str:
        """The line of history that the rooms follow; empty before the first look at it."""
        return id_text(self.epoch) if self.epoch else ""

    def is_ours(self, envelope: bytes) -> bool:
        """Not another deployment's on the same Redis. What names no epoch may be an older release's."""
        epoch = envelope[_EPOCH]
        return epoch == self.epoch or epoch == NOBODY
