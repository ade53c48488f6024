"""What a user's channel says, and keeping the user's rooms as Postgres has them.

Changes of membership are numbered by the user's version: applied in that order, each once, and where one is missing
the whole list is read again and the difference applied. So a lost announcement costs a moment, not a conversation.
"""

from collections.abc import Collection, Iterable, Mapping
from time import monotonic

import msgspec
import structlog

from gateway.forwarding.hub import Hub
from gateway.lookups import Lookups
from gateway.membership.arrival import Arrival
from gateway.membership.barring import Barring
from gateway.membership.hiding import Hiding, tell_left
from gateway.membership.joins import Joins
from gateway.membership.missing import Missing
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import NOTHING, User, held_together, user_channel
from gateway.websocket.codes import CloseCode
from shared import api, frames
from shared.wire import PREFIX_BYTES, Banning, Kind, Membership, Privacy

log = structlog.get_logger()

BANNED = "This user is banned"


_memberships = msgspec.json.Decoder(Membership)
_privacies = msgspec.json.Decoder(Privacy)


class Memberships:
    """A user of whom a change is missing, or doubtful, is put into `missing`: `heal` them soon."""

    def __init__(self, hub: Hub, lookups: Lookups, joins: Joins, missing: Missing) -> None:
        self._hub = hub
        self._lookups = lookups
        self._joins = joins
        self._hiding = Hiding(hub, joins)
        self._barring = Barring(hub)
        self._missing = missing

    # --- changes ----------------------------------------------------------------------------------------------------

    def on_change(self, user: User, version: int, envelope: bytes) -> None:
        """JOINED, LEFT, HIDDEN, BARRED, UNBARRED, PRIVACY: applied in the order of the user's versions, each once."""
        self._apply_all(user, user.changes.accept(version, envelope, monotonic()))
        if user.changes.gap is not None:
            self._missing.on_behind(user)

    def _apply_all(self, user: User, envelopes: Iterable[bytes]) -> None:
        for envelope in envelopes:
            if envelope[1] == Kind.PRIVACY:
                self._hub.discretion.note(user, _privacies.decode(envelope[PREFIX_BYTES:]))
                continue
            membership = _read(envelope[PREFIX_BYTES:])
            if membership is not None:
                self._apply(user, envelope[1], membership)

    def _apply(self, user: User, kind: int, membership: Membership) -> None:
        if kind in (Kind.BARRED, Kind.UNBARRED):
            self._barring.set(user, membership.conversation_id, on=kind == Kind.BARRED)
            return
        self._barring.set(user, membership.conversation_id, on=False)
        if kind == Kind.JOINED:
            self._hiding.unhide(user, membership.conversation_id)
            self._joins.join(user, membership.conversation_id, membership.members, membership.conversation)
        elif kind == Kind.LEFT:
            self._leave(user, membership.conversation_id)
        else:
            self._hiding.hide(user, membership)

    # --- the list ---------------------------------------------------------------------------------------------------

    def adopt(self, arrival: Arrival, rooms: list[Room]) -> None:
        """A session has come into these rooms, the user's at the arrival's version, and was told of all but the hidden
        ones; by now the user's version is `newest`.

        Whoever is behind follows: the other sessions, or this one.
        """
        session, version, newest = arrival.session, arrival.version, arrival.newest
        user = session.user
        is_news = len(user.sessions) == 1 or version >= user.changes.forwarded
        barred = self._barring.adopt(user, arrival.barred) if is_news else 0
        barred += self._hub.discretion.note(user, arrival.privacy) if is_news else 0
        hidden: Mapping[str, int] = (
            user.hidden if arrival.hidden is None else arrival.hidden
        ) or NOTHING  # most hide nothing: one object for all of them
        if len(user.sessions) == 1:
            user.rooms = held_together(rooms)
            self._hub.uncounted.set_hidden(user, hidden)
            newest = max(newest, user.changes.forwarded)
            user.restart_changes_if_past(version)
        elif version >= user.changes.forwarded:
            told = barred + self._apply_rooms(user, rooms)
            if version > user.changes.forwarded:
                told += self._hiding.apply(user, hidden)
            others = [other for other in user.sessions if other is not session]
            self._send_away_if_blind(others, missed=version - user.changes.forwarded, told=told)
        else:
            self._follow(session, rooms)
            self._hiding.follow(session, hidden)
        start = user.changes.skip_to if user.changes.started else user.changes.start
        self._apply_all(user, start(version, monotonic()))
        user.changes.expect(newest, monotonic())
        if user.changes.gap is not None:
            self._missing.on_behind(user)

    def _follow(self, session: Session, rooms: list[Room]) -> None:
        """A session whose list was older than what its user's other sessions have seen applied since."""
        user, listed = session.user, set(rooms)
        for room in rooms:
            if room not in user.rooms:
                self._hub.leave(session, room)
                session.send(frames.conversation_left(conversation_id=room.conversation_id))
        for room in [room for room in user.rooms if room not in listed]:
            self._joins.join(user, room.conversation_id, room.people, None)

    async def heal(self, user: User) -> None:
        """Reads the user's list again and applies the difference. Raises PersistenceAway."""
        found = await self._lookups.session(user.user_id, user.profile)
        if not self._hub.adopt_epoch(found.epoch):
            self._hub.listener.on_other_epoch()
        elif found.session.banned:
            close_banned(user, Banning(found.session.ban_reason, found.session.banned_until))
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
        user.rename(session.handle)
        told = self._barring.adopt(user, frozenset(session.barred)) + self._hub.discretion.note(user, session.privacy)
        told += self._apply_list(user, {room.id: room.members for room in session.rooms})
        return told if session.hidden is None else told + self._hiding.apply(user, session.hidden)

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
            self._missing.on_doubt(user)

    def on_removed(self, room: Room, user_keys: Iterable[bytes]) -> None:
        """An event that was just queued takes these out."""
        named = [self._hub.users.get(user_channel(key)) for key in user_keys]
        self.take_out(room, [user for user in named if user is not None])

    def on_withdrawn(self, room: Room, user_keys: Iterable[bytes]) -> None:
        """These left without an event, at once; who stays can say nothing there. What comes on the users' channels is
        in the order of their versions and this is not, so all of them are looked at once more."""
        self.on_removed(room, user_keys)
        gone = {user_channel(key) for key in user_keys}
        for user in self._hub.users_in(room):
            if user.channel not in gone:
                self._barring.set(user, room.conversation_id, on=True)
                self._missing.on_doubt(user)

    def _leave(self, user: User, conversation_id: str) -> None:
        room = self._hub.room(conversation_id)
        self._hiding.unhide(user, conversation_id)
        tell_left(user, conversation_id)
        if room is not None:
            user.remove_room(room)
            for session in user.sessions:
                self._hub.leave(session, room)


def close_banned(user: User, banning: Banning) -> None:
    """Each socket is told why, and until when, before it closes."""
    told = frames.error(code="banned", message=BANNED, reason=banning.reason, until=banning.until)
    for session in user.sessions:
        session.send(told)
    close_all(user.sessions, CloseCode.USER_BANNED, "banned")


def close_all(sessions: Iterable[Session], code: CloseCode, reason: str) -> None:
    for session in sessions:
        session.connection.close(code, reason)


def _read(payload: bytes) -> Membership | None:
    try:
        return _memberships.decode(payload)
    except msgspec.DecodeError as error:
        log.warning("unreadable change of a membership", error=str(error))
        return None
