"""What each client frame does. Every frame is authorized by itself: a room is the user's, or it is none of theirs."""

from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.forwarding.hub import Hub
from gateway.healing.client_claims import ClientClaims
from gateway.lookups import Lookups, Starter
from gateway.membership.memberships import Memberships
from gateway.persistence_client import PersistenceAway
from gateway.session.answers import acknowledge
from gateway.session.commands import (
    AppEvent,
    Auth,
    BadFrame,
    Command,
    Delivered,
    Join,
    Leave,
    Ping,
    Read,
    State,
    Typing,
    decode,
)
from gateway.session.fresh_tokens import FreshTokens
from gateway.session.receipt_frames import ReceiptFrames
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.typing.live import LiveSignals

NOT_A_PARTICIPANT = ("not_a_participant", "You are not in this conversation")
RATE_LIMITED = ("rate_limited", "Too many events for this conversation's size; slow down")
UNAVAILABLE = ("unavailable", "This cannot be checked at the moment; try again")


_InRoom: TypeAlias = Join | Leave | Typing | Delivered | Read | AppEvent


class FrameHandler:
    """One for all sessions. Nothing here waits; what must ask persistence goes on in a task."""

    def __init__(
        self,
        hub: Hub,
        memberships: Memberships,
        lookups: Lookups,
        tokens: FreshTokens,
        receipts: ReceiptFrames,
        live: LiveSignals,
        claims: ClientClaims,
        tasks: Starter,
    ) -> None:
        self._hub = hub
        self._memberships = memberships
        self._lookups = lookups
        self._tokens = tokens
        self._receipts = receipts
        self._live = live
        self._claims = claims
        self._tasks = tasks
        self._in_room: dict[type[Any], Callable[[Session, Any, Room], None]] = {
            Join: self._join,
            Leave: self._leave,
            Typing: self._type,
            Delivered: receipts.delivered,
            Read: receipts.read,
            AppEvent: self._say,
        }

    def on_frame(self, session: Session, data: bytes) -> None:
        command = decode(data)
        if isinstance(command, BadFrame):
            session.send_error(*command)
        else:
            self._obey(session, command)

    def on_binary(self, session: Session) -> None:
        session.send_error("binary_frame", "Frames are JSON in text messages", None)

    def on_excess(self, session: Session, data: bytes) -> None:
        session.send_error("rate_limited", "Too many frames; slow down", decode(data).ref)

    def on_heard(self, session: Session) -> None:
        self._receipts.on_heard(session)

    def _obey(self, session: Session, command: Command) -> None:
        if isinstance(command, Ping):
            if command.cursors is not None:
                self._claims.compare(session, command.cursors)
            session.answer("pong", command.ref)
        elif isinstance(command, State):
            session.active = command.active
            acknowledge(session, command)
        elif isinstance(command, Auth):
            self._tokens.take(session, command)
        else:
            self._obey_in_room(session, command)

    def _obey_in_room(self, session: Session, command: _InRoom) -> None:
        room = self._hub.room_of(session, command.conversation_id)
        if isinstance(command, Typing | AppEvent) and command.conversation_id in session.user.barred:
            session.send_error(*NOT_A_PARTICIPANT, command.ref)
        elif room is not None:
            self._in_room[type(command)](session, command, room)
        else:
            self._tasks.start(self._look_again(session, command), name="look for a conversation")

    async def _look_again(self, session: Session, command: _InRoom) -> None:
        """The word that the user is in this conversation may still be on its way: Postgres knows."""
        user = session.user
        try:
            found = await self._lookups.heads((), user.user_id)
            if found.version is not None and found.version > user.changes.forwarded:
                await self._memberships.heal(user)
        except PersistenceAway:
            session.send_error(*UNAVAILABLE, command.ref)
            return
        room = self._hub.room_of(session, command.conversation_id)
        if room is not None:
            self._in_room[type(command)](session, command, room)
        else:
            session.send_error(*NOT_A_PARTICIPANT, command.ref)

    # --- in a room --------------------------------------------------------------------------------------------------

    def _join(self, session: Session, command: Join, room: Room) -> None:
        if not room.started:
            self._tasks.start(self._answer_join(session, command), name="find a conversation's end")
            return
        session.answer("ack", command.ref, conversationId=command.conversation_id, lastSeq=room.head)
        self._hub.resume(session, room)

    async def _answer_join(self, session: Session, command: Join) -> None:
        """The room is only being joined, by itself: its head is not known here yet."""
        try:
            found = await self._lookups.heads([command.conversation_id], session.user.user_id)
        except PersistenceAway:
            session.send_error(*UNAVAILABLE, command.ref)
            return
        last_seq = found.heads.get(command.conversation_id, 0)
        session.answer("ack", command.ref, conversationId=command.conversation_id, lastSeq=last_seq)

    def _leave(self, session: Session, command: Leave, room: Room) -> None:
        self._hub.pause(session, room)
        acknowledge(session, command)

    def _type(self, session: Session, command: Typing, room: Room) -> None:
        self._live.typing.say(session, room, is_typing=command.is_typing)
        acknowledge(session, command)

    def _say(self, session: Session, command: AppEvent, room: Room) -> None:
        if self._live.events.say(session, room, command.name, bytes(command.data)):
            acknowledge(session, command)
        else:
            session.send_error(*RATE_LIMITED, command.ref)
