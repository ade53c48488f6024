"""Whom the hub tells what it hears and does not judge itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.state.room import Room
from gateway.state.user import User


@dataclass(frozen=True, slots=True)
class HubListener:
    """Callables, and no method between: nothing here is called on the way of a plain message to its members. All are
    called on the loop and must not block.

    `on_gap(room)`: the room holds back events until a gap before them is filled. `on_other_epoch()`: something of
    another line of history came. `on_epoch()`: another one is followed from here on. `on_removed(room, user keys)`: an
    event that was just queued takes these users out. `on_withdrawn(room, user keys)`: so are these, without an event.
    `on_room_signal(room, kind, envelope)`: typing.
    `on_typist_spoke(room, user channel)`: a message of theirs is about to go out. `on_unconfirmed(room)`: members who
    do not acknowledge were written to. `on_user_envelope(user, envelope)`: on a user's channel. `on_empty(channels)`:
    nobody here is interested in these any more.
    """

    on_gap: Callable[[Room], None]
    on_other_epoch: Callable[[], None]
    on_epoch: Callable[[], None]
    on_removed: Callable[[Room, Sequence[bytes]], None]
    on_withdrawn: Callable[[Room, Sequence[bytes]], None]
    on_room_signal: Callable[[Room, int, bytes], None]
    on_typist_spoke: Callable[[Room, bytes], None]
    on_unconfirmed: Callable[[Room], None]
    on_user_envelope: Callable[[User, bytes], None]
    on_empty: Callable[[Sequence[bytes]], None]
