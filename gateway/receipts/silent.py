"""Receipts of clients that never promised to acknowledge: a write counts once something was heard from them after it.

Per event a room is only marked. A moment later its silent members are noted as written to, and pinged: any frame that
comes after that ping's leaving is later than the write.
"""

import asyncio

from gateway.receipts.sender import ReceiptSender
from gateway.state.room import Room
from gateway.state.session import Session

GATHER_SECONDS = 0.2
"""Well below ACK_TIMEOUT, and as slow as a "delivered" may look to the sender."""


class SilentReaders:
    def __init__(self, receipts: ReceiptSender) -> None:
        self._receipts = receipts
        self._written: set[Room] = set()

    def on_written(self, room: Room) -> None:
        if not self._written:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._note)
        self._written.add(room)

    def on_heard(self, session: Session) -> None:
        """A pong or a frame came back: what was noted has arrived."""
        if session.unconfirmed is not None:
            unconfirmed, session.unconfirmed = session.unconfirmed, None
            for room, seq in unconfirmed.items():
                self._receipts.delivered(session, room, seq)

    def _note(self) -> None:
        written, self._written = self._written, set()
        noted: dict[Session, None] = {}
        for room in written:
            for session in room.legacy:
                assert isinstance(session, Session)
                if not session.is_counted:
                    continue  # it was not written to: another socket of its app is the device
                if session.unconfirmed is None:
                    session.unconfirmed = {}
                session.unconfirmed[room] = room.forwarded
                noted[session] = None
        for session in noted:
            session.connection.ask()
