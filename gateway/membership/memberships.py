"""What a user's channel says, and keeping the user's rooms as Postgres has them.

Changes of membership are numbered by the user's version: applied in that order, each once, and where one is missing
the whole list is read again and the difference applied. So a lost announcement costs a moment, not a conversation.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from time import monotonic
from typing import TypeVar

import msgspec
import structlog

from gateway.forwarding.hub import Hub
from gateway.lookups import Lookups
from gateway.membership.joins import Joins
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import NOTHING, User, held_together, user_channel
from gateway.websocket.codes import CloseCode
from gateway.websocket.frames import text_frame
from shared import api, frames, keys
from shared.wire import PREFIX_BYTES, Kind, Membership, Revocation, unpack_prefix

log = structlog.get_logger()


class _Receipt(msgspec.Struct, rename="camel"):
    """Of a receipt's frame, what the gateway reads."""

    conversation_id: str


Message = TypeVar("Message", Membership, Revocation, _Receipt)

_memberships = msgspec.json.Decoder(Membership)
_receipts = msgspec.json.Decoder(_Receipt)
_revocations = msgspec.json.Decoder(Revocation)


class Memberships:
    """`on_behind(user)` is called when a change before one that came is missing: `heal` the user soon.

    `on_doubt(user)`: `heal` the user, whatever comes, once what is on its way has had its time.
    """

    def __init__(
        self,
        hub: Hub,
        lookups: Lookups,
        joins: Joins,
        on_behind: Callable[[User], None],
        on_doubt: Callable[[User], None],
    ) -> None:
        self._hub = hub
        self._lookups = lookups
        self._joins = joins
        self._on_behind = on_behind
        self._on_doubt = on_doubt

    # --- what comes on the user's channel ---------------------------------------------------------------------------

    def on_envelope(self, user: User, envelope: bytes) -> None:
        _, kind, _, version, _, _, _ = unpack_prefix(envelope)
        if kind in (Kind.JOINED, Kind.LEFT, Kind.HIDDEN):
            self._apply_all(user, user.changes.accept(version, envelope, monotonic()))
            if user.changes.gap is not None:
                self._on_behind(user)
        elif kind == Kind.RECEIPT:
            self._tell_own(user, envelope)
        elif kind == Kind.USER_FRAME:
            frame = text_frame(envelope[PREFIX_BYTES:])
            for session in user.sessions:
                session.connection.send(frame)
        else:
            self._close(user, kind, envelope[PREFIX_BYTES:])

    def _apply_all(self, user: User, envelopes: Iterable[bytes]) -> None:
        for envelope in envelopes:
            membership = _read(_memberships, envelope[PREFIX_BYTES:])
            if membership is not None:
                self._apply(user, envelope[1], membership)

    def _apply(self, user: User, kind: int, membership: Membership) -> None:
        if kind == Kind.JOINED:
            self._unhide(user, membership.conversation_id)
            self._joins.join(user, membership.conversation_id, membership.members, membership.conversation)
        elif kind == Kind.LEFT:
            self._leave(user, membership.conversation_id)
        else:
            hidden = {**user.hidden, membership.conversation_id: self._hidden_seq(membership)}
            self._hub.uncounted.set_hidden(user, hidden)
            self._tell_hidden(user, membership.conversation_id)

    def _tell_own(self, user: User, envelope: bytes) -> None:
        """A receipt of their own in a group where no other is told of it, unless they have heard of a later one."""
        _, _, status, seq, _, reader, _ = unpack_prefix(envelope)
        payload = envelope[PREFIX_BYTES:]
        receipt = _read(_receipts, payload)
        if receipt is not None:
            room = keys.room(receipt.conversation_id).encode()
            if self._hub.latest_receipts.is_news(room, reader, status, seq, monotonic()):
                for session in user.sessions:
                    session.send(payload)

    def _close(self, user: User, kind: int, payload: bytes) -> None:
        if kind == Kind.BANNED:
            close_all(user.sessions, CloseCode.USER_BANNED, "banned")
        elif kind == Kind.KICKED:
            close_all(user.sessions, CloseCode.RESTARTING, "reconnect")
        elif kind == Kind.REVOKED:
            revocation = _read(_revocations, payload)
            if revocation is not None:
                named = [s for s in user.sessions if revocation.session_id in (None, s.session_id)]
                close_all(named, CloseCode.SESSION_REVOKED, "session revoked")

    # --- the list ---------------------------------------------------------------------------------------------------

    def adopt(
        self, session: Session, version: int, newest: int, rooms: list[Room], hidden: Mapping[str, int] | None
    ) -> None:
        """A session has come into these rooms, the user's at `version`, and was told of all but the hidden ones; by now
        the user's version is `newest`.

        Whoever is behind follows: the other sessions, or this one.
        """
        user = session.user
        hidden = (user.hidden if hidden is None else hidden) or NOTHING  # most hide nothing: one object for all of them
        if len(user.sessions) == 1:
            user.rooms = held_together(rooms)
            self._hub.uncounted.set_hidden(user, hidden)
            newest = max(newest, user.changes.forwarded)
            user.restart_changes_if_past(version)
        elif version >= user.changes.forwarded:
            told = self._apply_rooms(user, rooms)
            if version > user.changes.forwarded:
                told += self._apply_hidden(user, hidden)
            others = [other for other in user.sessions if other is not session]
            self._send_away_if_blind(others, missed=version - user.changes.forwarded, told=told)
        else:
            self._follow(session, rooms)
            self._follow_hidden(session, hidden)
        start = user.changes.skip_to if user.changes.started else user.changes.start
        self._apply_all(user, start(version, monotonic()))
        user.changes.expect(newest, monotonic())
        if user.changes.gap is not None:
            self._on_behind(user)

    def _follow(self, session: Session, rooms: list[Room]) -> None:
        """A session whose list was older than what its user's other sessions have seen applied since."""
        user, listed = session.user, set(rooms)
        for room in rooms:
            if room not in user.rooms:
                self._hub.leave(session, room)
                session.send(frames.conversation_left(conversation_id=room.conversation_id))
        for room in [room for room in user.rooms if room not in listed]:
            self._joins.join(user, room.conversation_id, room.people, None)

    def _follow_hidden(self, session: Session, hidden: Mapping[str, int]) -> None:
        for conversation_id in session.user.hidden.keys() - hidden.keys():
            if not self._is_back(session.user, self._hub.room(conversation_id)):
                session.send(frames.conversation_left(conversation_id=conversation_id))
        for conversation_id in hidden.keys() - session.user.hidden.keys():
            self._tell_back(session.user, self._hub.room(conversation_id))

    async def heal(self, user: User) -> None:
        """Reads the user's list again and applies the difference. Raises PersistenceAway."""
        found = await self._lookups.session(user.user_id, user.profile)
        if not self._hub.adopt_epoch(found.epoch):
            self._hub.on_other_epoch()
        elif found.session.banned:
            close_all(user.sessions, CloseCode.USER_BANNED, "banned")
        elif user.changes.started:
            self._reconcile(user, found.session)

    def restart(self, user: User, session: api.Session) -> None:
        """The database has another line of history: versions begin anew, the list is what counts."""
        user.restart_changes()
        # What was told of them was of the other history: all is told anew.
        self._hub.uncounted.set_hidden(user, dict.fromkeys(user.hidden, -1))
        self._apply_all(user, user.changes.start(session.version, monotonic()))
        self._apply_session(user, session)

    def _reconcile(self, user: User, session: api.Session) -> None:
        if session.version < user.changes.forwarded:
            return  # read before a change that has been applied since
        missed = session.version - user.changes.forwarded
        self._send_away_if_blind(user.sessions, missed=missed, told=self._apply_session(user, session))
        self._apply_all(user, user.changes.skip_to(session.version, monotonic()))

    def _send_away_if_blind(self, sessions: Iterable[Session], *, missed: int, told: int) -> None:
        """Where fewer differences were told than changes were missed, something came and went unseen: a client may
        have it from a list that it asked for in between, and nobody can name it. So these sessions come again, as
        their sync tells what they left."""
        if told < missed:
            close_all(sessions, CloseCode.RESTARTING, "changes of memberships were missed")

    def _apply_session(self, user: User, session: api.Session) -> int:
        """How many differences were told."""
        told = self._apply_list(user, {room.id: room.members for room in session.rooms})
        return told if session.hidden is None else told + self._apply_hidden(user, session.hidden)

    def _apply_list(self, user: User, listed: dict[str, int]) -> int:
        """How many conversations the user came into or left."""
        known = {room.conversation_id for room in user.rooms}
        return self._apply_difference(user, known - listed.keys(), {key: listed[key] for key in listed.keys() - known})

    def _apply_rooms(self, user: User, rooms: list[Room]) -> int:
        """The same, where the rooms are known: of tens of thousands only those that differ are named."""
        listed = set(rooms)
        gone = [room.conversation_id for room in user.rooms if room not in listed]
        come = {room.conversation_id: room.people for room in rooms if room not in user.rooms}
        return self._apply_difference(user, gone, come)

    def _apply_difference(self, user: User, gone: Collection[str], come: Mapping[str, int]) -> int:
        for conversation_id in gone:
            self._leave(user, conversation_id)
        for conversation_id, people in come.items():
            log.info("membership healed", user_id=user.user_id, conversation_id=conversation_id)
            self._joins.join(user, conversation_id, people, None)
        return len(gone) + len(come)

    def _apply_hidden(self, user: User, hidden: Mapping[str, int]) -> int:
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

    # --- out --------------------------------------------------------------------------------------------------------

    def leave_gone(self, room: Room) -> None:
        """The conversation does not exist any more: whoever is here is told that they left."""
        for user in list(self._hub.users.values()):
            if room in user.rooms:
                self._leave(user, room.conversation_id)

    def take_out(self, room: Room, users: Iterable[User]) -> None:
        """These users are in the conversation no longer, says the log: nothing that follows in it is theirs.

        Only members leave: who is coming in has a head of a later moment. Their devices hear of it on their channel.
        A user who was back before this came is found there again by the look that `on_doubt` asks for.
        """
        for user in users:
            inside = [s for s in user.sessions if s.connection in room.members or s.is_paused_in(room)]
            if not inside:
                continue
            self._hub.fanout.flush(room)  # the event that says so is still theirs
            for session in inside:
                self._hub.leave(session, room)
            if not any(room.is_newcomer(session) for session in user.sessions):
                user.remove_room(room)
            self._on_doubt(user)

    def on_removed(self, room: Room, user_keys: Iterable[bytes]) -> None:
        """An event that was just queued takes these out."""
        named = [self._hub.users.get(user_channel(key)) for key in user_keys]
        self.take_out(room, [user for user in named if user is not None])

    def _unhide(self, user: User, conversation_id: str) -> None:
        if conversation_id in user.hidden:
            left = {key: seq for key, seq in user.hidden.items() if key != conversation_id}
            self._hub.uncounted.set_hidden(user, left)

    def _leave(self, user: User, conversation_id: str) -> None:
        room = self._hub.room(conversation_id)
        self._unhide(user, conversation_id)
        self._tell_left(user, conversation_id)
        if room is not None:
            user.remove_room(room)
            for session in user.sessions:
                self._hub.leave(session, room)

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
        self._tell_left(user, conversation_id)
        if self._is_back(user, room):
            self._tell_back(user, room)

    def _tell_back(self, user: User, room: Room | None) -> None:
        if room is not None and room in user.rooms:
            self._joins.tell(user, room)

    def _tell_left(self, user: User, conversation_id: str) -> None:
        payload = frames.conversation_left(conversation_id=conversation_id)
        for session in user.sessions:
            session.send(payload)


def close_all(sessions: Iterable[Session], code: CloseCode, reason: str) -> None:
    for session in sessions:
        session.connection.close(code, reason)


def _read(decoder: "msgspec.json.Decoder[Message]", payload: bytes) -> "Message | None":
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        log.warning("unreadable envelope on a user's channel", error=str(error))
        return None
