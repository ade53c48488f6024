"""Conversations of two in which a block lets a user say nothing: typing and an app's own events end there."""

from gateway.forwarding.hub import Hub
from gateway.state.user import NOWHERE, User


class Barring:
    """Keeps where each user is barred as Postgres has it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def set(self, user: User, conversation_id: str, *, on: bool) -> None:
        """No harm if it is so already."""
        if on:
            user.barred |= {conversation_id}
            self._end_typing(conversation_id)
        elif conversation_id in user.barred:
            user.barred = user.barred - {conversation_id} or NOWHERE

    def adopt(self, user: User, barred: frozenset[str]) -> int:
        """The list says so. In how many conversations it changed."""
        before, user.barred = user.barred, barred or NOWHERE
        for conversation_id in barred - before:
            self._end_typing(conversation_id)
        return len(before ^ barred)

    def _end_typing(self, conversation_id: str) -> None:
        """Whoever was shown as typing there is so no longer."""
        room = self._hub.room(conversation_id)
        if room is None:
            return
        for typist in list(room.typists or ()):
            self._hub.listener.on_typist_spoke(room, typist)
