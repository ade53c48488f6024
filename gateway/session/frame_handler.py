"""What each client frame does. Every frame is authorized by itself: a room is the user's, or it is none of theirs."""

from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.forwarding.hub import Hub
from gateway.healing.client_claims import ClientClaims
from gateway.lookups import Lookups, Starter
from gateway.membership.memberships import Memberships
from gateway.persistence_client import PersistenceAway
from gateway.presence.devices import Devices
from gateway.receipts.sender import ReceiptSender
from gateway.receipts.silent import SilentReaders
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
from gateway.session.expiry import Expiry
from gateway.session.revocations import Revocations
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.typing.app_events import AppEvents
from gateway.typing.typing import TypingSignals
from gateway.websocket.codes import CloseCode
from shared.auth import Identity, TokenVerifier

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
        receipts: ReceiptSender,
        silent: SilentReaders,
        typing: TypingSignals,
        events: AppEvents,
        verifier: TokenVerifier,
        expiry: Expiry,
        revocations: Revocations,
        claims: ClientClaims,
        devices: Devices,
        tasks: Starter,
    ) -> None:
        self._hub = hub
        self._memberships = memberships
        self._lookups = lookups
        self._receipts = receipts
        self._silent = silent
        self._typing = typing
        self._events = events
        self._verifier = verifier
        self._expiry = expiry
        self._revocations = revocations
        self._claims = claims
        self._devices = devices
        self._tasks = tasks
        self._in_room: dict[type[Any], Callable[[Session, Any, Room], None]] = {
            Join: self._join,
            Leave: self._leave,
            Typing: self._type,
            Delivered: self._delivered,
            Read: self._read,
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
        if session.is_asked:
            self._devices.answered(session)
        self._silent.on_heard(session)

    def _obey(self, session: Session, command: Command) -> None:
        if isinstance(command, Ping):
            if command.cursors is not None:
                self._claims.compare(session, command.cursors)
            session.answer("pong", command.ref)
        elif isinstance(command, State):
            session.active = command.active
            _acknowledge(session, command)
        elif isinstance(command, Auth):
            self._authenticate(session, command)
        else:
            self._obey_in_room(session, command)

    def _obey_in_room(self, session: Session, command: _InRoom) -> None:
        room = self._hub.room_of(session, command.conversation_id)
        if room is not None:
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
        _acknowledge(session, command)

    def _type(self, session: Session, command: Typing, room: Room) -> None:
        self._typing.say(session, room, is_typing=command.is_typing)
        _acknowledge(session, command)

    def _say(self, session: Session, command: AppEvent, room: Room) -> None:
        if self._events.say(session, room, command.name, bytes(command.data)):
            _acknowledge(session, command)
        else:
            session.send_error(*RATE_LIMITED, command.ref)

    def _delivered(self, session: Session, command: Delivered, room: Room) -> None:
        if not session.acks:
            self._now_acks(session)
        self._report(session, command, room, self._receipts.delivered)

    def _read(self, session: Session, command: Read, room: Room) -> None:
        self._report(session, command, room, self._receipts.read)

    def _now_acks(self, session: Session) -> None:
        """Whoever has said once what it got is held to it."""
        self._devices.now_acks(session)
        session.acks = True
        session.unconfirmed = None
        for room in session.user.rooms:
            room.now_acks(session)

    def _report(
        self,
        session: Session,
        command: Delivered | Read,
        room: Room,
        report: Callable[[Session, Room, int], None],
    ) -> None:
        """One past the end counts as the end at this moment; Postgres knows the end where this gateway is behind."""
        if command.seq <= room.head:
            report(session, room, command.seq)
            _acknowledge(session, command)
        else:
            self._tasks.start(self._report_at_end(session, command, room, report), name="find a conversation's end")

    async def _report_at_end(
        self,
        session: Session,
        command: Delivered | Read,
        room: Room,
        report: Callable[[Session, Room, int], None],
    ) -> None:
        end = room.head
        try:
            found = await self._lookups.heads([command.conversation_id], session.user.user_id)
            end = max(end, found.heads.get(command.conversation_id, 0))
        except PersistenceAway:
            pass  # what is known here then is the end
        report(session, room, min(command.seq, end))
        _acknowledge(session, command)

    # --- the token --------------------------------------------------------------------------------------------------

    def _authenticate(self, session: Session, command: Auth) -> None:
        identity = self._verifier.verify_cached(command.token)
        if identity is not None:
            self._adopt(session, command, identity)
        else:
            self._tasks.start(self._verify(session, command), name="verify a fresh token")

    async def _verify(self, session: Session, command: Auth) -> None:
        verdict = await self._verifier.verify(command.token)
        if isinstance(verdict, Identity):
            self._adopt(session, command, verdict)
        else:
            session.send_error("unauthorized", f"Authentication failed: {verdict.text}", command.ref)

    def _adopt(self, session: Session, command: Auth, identity: Identity) -> None:
        if identity.user_id != session.user.user_id:
            session.send_error("unauthorized", "Authentication failed: this is another user's token", command.ref)
        elif self._revocations.is_revoked(identity.session_id):
            session.connection.close(CloseCode.SESSION_REVOKED, "session revoked")
        elif session.connection.is_open:
            session.session_id = identity.session_id
            self._expiry.extend(session, identity.expires_at)
            _acknowledge(session, command)


def _acknowledge(session: Session, command: Command) -> None:
    """A frame without a ref wants no answer."""
    if command.ref is not None:
        session.answer("ack", command.ref)
