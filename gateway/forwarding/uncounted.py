"""Events that are no message: forwarded in their order like messages, and else without a message's consequences.

Also here, as the envelope's flags announce them: how many people the conversation has now, and who is taken out of it.
"""

from collections.abc import Collection, Mapping
from typing import Final, Protocol

from gateway.forwarding.listener import HubListener
from gateway.state.room import Room
from gateway.state.user import NOTHING, User
from gateway.websocket.connection import Connection
from gateway.websocket.frames import text_frame
from shared import frames, keys
from shared.wire import NO_MESSAGE, PREFIX_BYTES, Kind, people_of, split_removed, unpack_prefix

LARGEST_FRAME_BYTES: Final = 128 * 1024
"""Of a live frame: a larger one would overflow the outbox of a phone that reads well. Clients are told to sync it."""

_REMOVED: Final = int(Kind.REMOVED)


class Forwarding(Protocol):
    """The hub, as far as this needs it."""

    listener: HubListener

    def forward_message(self, room: Room, envelope: bytes) -> None: ...

    def queue_event(self, room: Room, envelope: bytes, frame: bytes, skip: Collection[Connection]) -> None: ...


class Uncounted:
    """Also knows who hides which conversation: they get no event that is no message."""

    def __init__(self, hub: Forwarding) -> None:
        self._hub = hub
        self._hiding: dict[bytes, set[User]] = {}  # a room's channel -> who of the users here hides the conversation

    def forward(self, room: Room, envelope: bytes) -> None:
        """An event whose flags are not 0. The room's place is behind it already."""
        _, kind, flags, seq, _, _, _ = unpack_prefix(envelope)
        room.people = people_of(flags) or room.people
        if not flags & NO_MESSAGE:
            self._hub.forward_message(room, envelope)
            return
        room.tail += 1
        removed, payload = split_removed(envelope) if kind == _REMOVED else ((), envelope[PREFIX_BYTES:])
        if len(payload) > LARGEST_FRAME_BYTES:
            payload = frames.sync(conversation_id=room.conversation_id, last_seq=seq)
        self._hub.queue_event(room, envelope, text_frame(payload), self._spared(room))
        if removed:
            self._hub.listener.on_removed(room, removed)

    def set_hidden(self, user: User, hidden: Mapping[str, int]) -> None:
        """The user hides these conversations, each up to that seq, and no others."""
        for conversation_id in user.hidden.keys() - hidden.keys():
            channel = keys.room(conversation_id).encode()
            self._hiding[channel].discard(user)
            if not self._hiding[channel]:
                del self._hiding[channel]
        for conversation_id in hidden.keys() - user.hidden.keys():
            self._hiding.setdefault(keys.room(conversation_id).encode(), set()).add(user)
        user.hidden = hidden or NOTHING

    def _spared(self, room: Room) -> Collection[Connection]:
        hiding = self._hiding.get(room.channel)
        if hiding is None:
            return ()
        still = [user for user in hiding if not user.lists(room.conversation_id, room.counted)]
        return [connection for user in still for connection in user.connections()]
