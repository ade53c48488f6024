"""The client frames that name a conversation. Each is authorized by itself: a room is the user's, or none of theirs."""

from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.forwarding.hub import Hub
from gateway.lookups import Lookups, Starter
from gateway.membership.memberships import Memberships
from gateway.persistence_client import PersistenceAway
from gateway.session.answers import acknowledge
from gateway.session.commands import AppEvent, Delivered, Join, Leave, Read, Typing
from gateway.session.receipt_frames import ReceiptFrames
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.typing.live import LiveSignals

NOT_A_PARTICIPANT = ("not_a_participant", "You are not in this conversation")
RATE_LIMITED = ("rate_limited", "Too many events for this conversation's size; slow down")
UNAVAILABLE = ("unavailable", "This cannot be checked at the moment; try again")

InRoom: TypeAlias = Join | Leave | Typing | Delivered | Read | AppEvent


class RoomCommands:
    """Nothing here waits; what must ask persistence goes on in a task."""

    def __init__(
        self,
        hub: Hub,
        memberships: Memberships,
        lookups: Lookups,
        receipts: ReceiptFrames,
        live: LiveSignals,
        tasks: Starter,
    ) -> None:
        self._hub = hub
        self._memberships = memberships
        self._lookups = lookups
        self._live = live
        self._tasks = tasks
        self._meaning: dict[type[Any], Callable[[Session, Any, Room], None]] = {
            Join: self._join,
            Leave: self._leave,
            Typing: self._type,
            Delivered: receipts.delivered,
            Read: receipts.read,
            AppEvent: self._say,
        }

    def obey(self, session: Session, command: InRoom) -> None:
        room = self._hub.room_of(session, command.conversation_id)
        if isinstance(command, Typing | AppEvent) and command.conversation_id in session.user.barred:
            session.send_error(*NOT_A_PARTICIPANT, command.ref)
        elif room is not None:
            self._meaning[type(command)](session, command, room)
        else:
            self._tasks.start(self._look_again(session, command), name="look for a conversation")

    async def _look_again(self, session: Session, command: InRoom) -> None:
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
            self._meaning[type(command)](session, command, room)
        else:
            session.send_error(*NOT_A_PARTICIPANT, command.ref)

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
