"""What a user's channel says, and keeping the user's rooms as Postgres has them.

Changes of membership are numbered by the user's version: applied in that order, each once, and where one is missing
the whole list is read again and the difference applied. So a lost announcement costs a moment, not a conversation.
"""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TypeVar

import msgspec
import structlog

from gateway.bus import Bus, NotSubscribed
from gateway.lookups import Lookups, Starter
from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.rooms.hub import Hub
from gateway.rooms.room import Room
from gateway.rooms.user import User
from gateway.session.session import Session
from gateway.websocket.codes import CloseCode
from shared import api, frames
from shared.wire import NOBODY, PREFIX_BYTES, Kind, Membership, Revocation, unpack_prefix

log = structlog.get_logger()

RETRY_SECONDS = 1.0

Message = TypeVar("Message", Membership, Revocation)


class _Head(msgspec.Struct, rename="camel"):
    """Of a conversation's JSON, what the gateway reads: how far the client is told that it reaches."""

    last_seq: int


_head_of = msgspec.json.Decoder(_Head)
_memberships = msgspec.json.Decoder(Membership)
_revocations = msgspec.json.Decoder(Revocation)


class Memberships:
    """`on_behind(user)` is called when a change before one that came is missing: `heal` the user soon."""

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        lookups: Lookups,
        persistence: PersistenceClient,
        tasks: Starter,
        on_behind: Callable[[User], None],
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._lookups = lookups
        self._persistence = persistence
        self._tasks = tasks
        self._on_behind = on_behind

    # --- what comes on the user's channel ---------------------------------------------------------------------------

    def on_envelope(self, channel: bytes, envelope: bytes) -> None:
        user = self._hub.users.get(channel)
        if user is None:
            return
        _, kind, _, version, _, _, epoch = unpack_prefix(envelope)
        if epoch not in (NOBODY, self._hub.epoch):
            self._hub.on_other_epoch()
        elif kind in (Kind.JOINED, Kind.LEFT, Kind.HIDDEN):
            self._apply_all(user, user.changes.accept(version, envelope, monotonic()))
            if user.changes.gap is not None:
                self._on_behind(user)
        else:
            self._close(user, kind, envelope[PREFIX_BYTES:])

    def _apply_all(self, user: User, envelopes: Iterable[bytes]) -> None:
        for envelope in envelopes:
            membership = _read(_memberships, envelope[PREFIX_BYTES:])
            if membership is not None:
                self._apply(user, envelope[1], membership)

    def _apply(self, user: User, kind: int, membership: Membership) -> None:
        if kind == Kind.JOINED:
            self._join(user, membership.conversation_id, membership.members, membership.conversation)
        elif kind == Kind.LEFT:
            self._leave(user, membership.conversation_id)
        else:
            self._tell_left(user, membership.conversation_id)

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

    def adopt(self, user: User, version: int, rooms: list[Room]) -> None:
        """A session of the user has come into these rooms, which are theirs at this version, not below what was
        applied: the other sessions follow."""
        if len(user.sessions) == 1:
            user.rooms = tuple(rooms)
        else:
            self._apply_list(user, {room.conversation_id: room.people for room in rooms})
        if user.changes.started:
            self._apply_all(user, user.changes.skip_to(version, monotonic()))
        else:
            self._apply_all(user, user.changes.start(version, monotonic()))

    async def heal(self, user: User) -> None:
        """Reads the user's list again and applies the difference. Raises PersistenceAway."""
        found = await self._lookups.session(user.user_id, user.handle)
        if not self._hub.adopt_epoch(found.epoch):
            self._hub.on_other_epoch()
        elif found.session.banned:
            close_all(user.sessions, CloseCode.USER_BANNED, "banned")
        elif user.changes.started:
            self._reconcile(user, found.session.version, {room.id: room.members for room in found.session.rooms})

    def restart(self, user: User, session: api.Session) -> None:
        """The database has another line of history: versions begin anew, the list is what counts."""
        user.restart_changes()
        self._apply_all(user, user.changes.start(session.version, monotonic()))
        self._apply_list(user, {room.id: room.members for room in session.rooms})

    def _reconcile(self, user: User, version: int, listed: dict[str, int]) -> None:
        if version < user.changes.forwarded:
            return  # read before a change that has been applied since
        self._apply_list(user, listed)
        self._apply_all(user, user.changes.skip_to(version, monotonic()))

    def _apply_list(self, user: User, listed: dict[str, int]) -> None:
        known = {room.conversation_id for room in user.rooms}
        for conversation_id in known - listed.keys():
            self._leave(user, conversation_id)
        for conversation_id in listed.keys() - known:
            log.info("membership healed", user_id=user.user_id, conversation_id=conversation_id)
            self._join(user, conversation_id, listed[conversation_id], None)

    # --- in and out -------------------------------------------------------------------------------------------------

    def _join(self, user: User, conversation_id: str, people: int, conversation: msgspec.Raw | None) -> None:
        """At once all that the room forwards is held for the newcomers; the rest takes a look-up.

        Sessions that only arrive are no concern here: they see that the user's version has moved, and read again.
        """
        if not user.sessions:
            return
        room = self._hub.open_room(conversation_id, people)
        user.add_room(room)
        inside = [session for session in user.sessions if session.is_paused_in(room) or room.knows(session)]
        newcomers = [session for session in user.sessions if session not in inside]
        for session in newcomers:
            room.expect(session)
        self._tasks.start(self._finish_join(user, room, newcomers, inside, conversation), name="join a room")

    async def _finish_join(
        self, user: User, room: Room, newcomers: list[Session], inside: list[Session], conversation: msgspec.Raw | None
    ) -> None:
        # The conversation before the head: what it says of its last seq is then never above the head.
        conversation = conversation or await self._conversation(user, room.conversation_id)
        head = await self._head(user, room) if newcomers and conversation is not None else 0
        # Whoever closed, or left again, while the answer was on its way is not in the room any more.
        present = [session for session in newcomers if room.is_newcomer(session)]
        if head is None or conversation is None:
            user.remove_room(room)
            for session in present:
                self._hub.leave(session, room)
            return
        news = frames.conversation_new(conversation_id=room.conversation_id, conversation=conversation)
        if present:
            self._hub.begin(room, head)
        told = _head_of.decode(conversation).last_seq
        for session in present:
            settled = room.settle(session, head)
            session.send(news)
            if settled > told:
                # Sent between the announcement and our joining: the client would see a hole that nobody explains.
                session.send(frames.sync(conversation_id=room.conversation_id, last_seq=settled))
            self._hub.release(session, room)
        for session in inside:
            session.send(news)

    async def _head(self, user: User, room: Room) -> int | None:
        """Read after Redis confirmed the channel; None where conversation or newcomers are gone."""
        while True:
            try:
                await self._bus.subscribe([room.channel])
                found = await self._lookups.heads([room.conversation_id], user.user_id)
                if self._hub.adopt_epoch(found.epoch):
                    return found.heads.get(room.conversation_id)
                self._hub.on_other_epoch()
            except NotSubscribed:
                return None
            except PersistenceAway as away:
                log.warning("room not joined yet", error=str(away), conversation_id=room.conversation_id)
            await asyncio.sleep(RETRY_SECONDS)

    async def _conversation(self, user: User, conversation_id: str) -> msgspec.Raw | None:
        while not user.is_gone:
            try:
                answer = await self._persistence.conversations(user.user_id, [conversation_id])
                return answer.conversations.get(conversation_id)
            except PersistenceAway as away:
                log.warning("conversation not read yet", error=str(away), conversation_id=conversation_id)
            await asyncio.sleep(RETRY_SECONDS)
        return None

    def leave_gone(self, room: Room) -> None:
        """The conversation does not exist any more: whoever is here is told that they left."""
        for user in list(self._hub.users.values()):
            if room in user.rooms:
                self._leave(user, room.conversation_id)

    def _leave(self, user: User, conversation_id: str) -> None:
        room = self._hub.room(conversation_id)
        self._tell_left(user, conversation_id)
        if room is not None:
            user.remove_room(room)
            for session in user.sessions:
                self._hub.leave(session, room)

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
