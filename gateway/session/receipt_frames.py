"""What a client says that it got or read, clamped to what there is."""

from collections.abc import Callable

from gateway.lookups import Lookups, Starter
from gateway.persistence_client import PersistenceAway
from gateway.presence.devices import Devices
from gateway.receipts.sender import ReceiptSender
from gateway.receipts.silent import SilentReaders
from gateway.session.answers import acknowledge
from gateway.session.commands import Delivered, Read
from gateway.state.room import Room
from gateway.state.session import Session


class ReceiptFrames:
    """`delivered` and `read`, and what any frame says of a client that sends neither."""

    def __init__(
        self, lookups: Lookups, sender: ReceiptSender, silent: SilentReaders, devices: Devices, tasks: Starter
    ) -> None:
        self._lookups = lookups
        self._sender = sender
        self._silent = silent
        self._devices = devices
        self._tasks = tasks

    def on_heard(self, session: Session) -> None:
        """A frame of any kind came."""
        if session.is_asked:
            self._devices.answered(session)
        self._silent.on_heard(session)

    def delivered(self, session: Session, command: Delivered, room: Room) -> None:
        if not session.acks:
            self._now_acks(session)
        self._report(session, command, room, self._sender.delivered)

    def read(self, session: Session, command: Read, room: Room) -> None:
        self._report(session, command, room, self._sender.read)

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
            acknowledge(session, command)
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
        acknowledge(session, command)
