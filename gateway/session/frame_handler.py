"""What each client frame does."""

from gateway.healing.client_claims import ClientClaims
from gateway.session.answers import acknowledge
from gateway.session.commands import Auth, BadFrame, Command, Ping, State, decode
from gateway.session.fresh_tokens import FreshTokens
from gateway.session.receipt_frames import ReceiptFrames
from gateway.session.room_commands import RoomCommands
from gateway.state.session import Session


class FrameHandler:
    """One for all sessions. Nothing here waits."""

    def __init__(self, rooms: RoomCommands, tokens: FreshTokens, receipts: ReceiptFrames, claims: ClientClaims) -> None:
        self._rooms = rooms
        self._tokens = tokens
        self._receipts = receipts
        self._claims = claims

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
            self._rooms.obey(session, command)
