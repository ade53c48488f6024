"""Conversations that a user hid up to a message: gone from the list, while their rooms stay the user's, as any later
message brings them back.
"""

from collections.abc import Mapping

from gateway.forwarding.hub import Hub
from gateway.membership.joins import Joins
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import User
from shared import frames
from shared.wire import Membership


class Hiding:
    """Keeps what each user hides as Postgres has it, and tells their sessions what that changes for them."""

    def __init__(self, hub: Hub, joins: Joins) -> None:
        self._hub = hub
        self._joins = joins

    def hide(self, user: User, membership: Membership) -> None:
        """The user's channel says so."""
        hidden = {**user.hidden, membership.conversation_id: self._hidden_seq(membership)}
        self._hub.uncounted.set_hidden(user, hidden)
        self._tell_hidden(user, membership.conversation_id)

    def follow(self, session: Session, hidden: Mapping[str, int]) -> None:
        """A session whose list was older than what its user's other sessions have seen applied since."""
        for conversation_id in session.user.hidden.keys() - hidden.keys():
            if not self._is_back(session.user, self._hub.room(conversation_id)):
                session.send(frames.conversation_left(conversation_id=conversation_id))
        for conversation_id in hidden.keys() - session.user.hidden.keys():
            self._tell_back(session.user, self._hub.room(conversation_id))

    def apply(self, user: User, hidden: Mapping[str, int]) -> int:
        """What came back by a message and is hidden again is so up to another seq. How many changed."""
        before = user.hidden
        self._hub.uncounted.set_hidden(user, hidden)
        changed = [conversation_id for conversation_id, seq in hidden.items() if before.get(conversation_id) != seq]
        for conversation_id in changed:
            self._tell_hidden(user, conversation_id)
        back = before.keys() - hidden.keys()
        for conversation_id in back:
            self._tell_back(user, self._hub.room(conversation_id))
        return len(changed) + len(back)

    def unhide(self, user: User, conversation_id: str) -> None:
        """It is listed from here on, and nobody is told; no harm if it was not hidden."""
        if conversation_id in user.hidden:
            left = {key: seq for key, seq in user.hidden.items() if key != conversation_id}
            self._hub.uncounted.set_hidden(user, left)

    def _hidden_seq(self, membership: Membership) -> int:
        """A persistence process of an older release does not say how far: then it is all that was forwarded."""
        if membership.hidden_seq is not None:
            return membership.hidden_seq
        room = self._hub.room(membership.conversation_id)
        return 0 if room is None else room.forwarded

    def _is_back(self, user: User, room: Room | None) -> bool:
        return room is not None and user.lists(room.conversation_id, room.counted)

    def _tell_hidden(self, user: User, conversation_id: str) -> None:
        """All before is gone; race: a message that brought it back may have been forwarded before the word that it was
        hidden, and then it is told of as new."""
        room = self._hub.room(conversation_id)
        if room is not None:
            self._hub.fanout.flush(room)  # else what is hidden would come after the word, and look like its return
        tell_left(user, conversation_id)
        if self._is_back(user, room):
            self._tell_back(user, room)

    def _tell_back(self, user: User, room: Room | None) -> None:
        if room is not None and room in user.rooms:
            self._joins.tell(user, room)


def tell_left(user: User, conversation_id: str) -> None:
    payload = frames.conversation_left(conversation_id=conversation_id)
    for session in user.sessions:
        session.send(payload)
