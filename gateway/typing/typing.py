"""Who is typing where: said by local clients to the room's channel, shown to local members, and ended by itself."""

import asyncio
from collections import deque
from time import monotonic

from gateway.forwarding.hub import Hub
from gateway.publisher import Publisher
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import User, user_channel
from shared import frames
from shared.wire import PREFIX_BYTES, Kind, pack, unpack_prefix

SILENT_SECONDS = 6.0
REPEAT_SECONDS = 2.0
"""A client may say it at each key; others hear it so often, well within SILENT_SECONDS."""


class Typists:
    """Whom the rooms show as typing, and until when. Pure: `now` is the caller's monotonic clock."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, Room, bytes]] = deque()

    @property
    def next_end(self) -> float | None:
        return self._ends[0][0] if self._ends else None

    def start(self, room: Room, typist: bytes, frame: bytes, now: float) -> None:
        """Shown by this frame from now on, or for longer; all last equally long, so their ends come in order."""
        if room.typists is None:
            room.typists = {}
        room.typists[typist] = (now + SILENT_SECONDS, frame)
        self._ends.append((now + SILENT_SECONDS, room, typist))

    def stop(self, room: Room, typist: bytes) -> bytes | None:
        """The frame that showed it; None where it was not shown."""
        shown = None if room.typists is None else room.typists.pop(typist, None)
        if shown is None:
            return None
        if not room.typists:
            room.typists = None
        return shown[1]

    def expire(self, now: float) -> list[tuple[Room, bytes, bytes]]:
        """Those who fell silent, each with the frame that showed it; no longer shown."""
        silent = []
        while self._ends and self._ends[0][0] <= now:
            end, room, typist = self._ends.popleft()
            shown = None if room.typists is None else room.typists.get(typist)
            if shown is not None and shown[0] == end:
                self.stop(room, typist)
                silent.append((room, typist, shown[1]))
        return silent


class TypingSignals:
    def __init__(self, hub: Hub, publisher: Publisher) -> None:
        self._hub = hub
        self._publisher = publisher
        self._typists = Typists()
        self._timer: asyncio.TimerHandle | None = None

    # --- what local clients say -------------------------------------------------------------------------------------

    def say(self, session: Session, room: Room, *, is_typing: bool) -> None:
        now = monotonic()
        said = session.typing or {}
        if is_typing and now - said.get(room, 0.0) >= REPEAT_SECONDS:
            session.typing = {**said, room: now}
            self._publish(session, room, Kind.TYPING_START)
        elif not is_typing and room in said:
            self._forget(session, room)
            self._publish(session, room, Kind.TYPING_STOP)

    def dropped(self, session: Session) -> None:
        """The client is gone: nobody has to wait until it falls silent."""
        recent = monotonic() - SILENT_SECONDS
        for room, said_at in (session.typing or {}).items():
            if said_at > recent:
                self._publish(session, room, Kind.TYPING_STOP)

    # --- what the rooms hear ----------------------------------------------------------------------------------------

    def on_signal(self, room: Room, kind: int, envelope: bytes) -> None:
        _, _, _, _, _, sender, _ = unpack_prefix(envelope)
        typist = user_channel(sender)
        if kind == Kind.TYPING_START:
            self._typists.start(room, typist, envelope[PREFIX_BYTES:], monotonic())
            self._arm()
            self._hub.send_to_room(room, envelope[PREFIX_BYTES:], "typing", skip=typist)
        elif self._typists.stop(room, typist) is not None:
            self._hub.send_to_room(room, envelope[PREFIX_BYTES:], "typing", skip=typist)

    def on_spoke(self, room: Room, author: bytes) -> None:
        """A durable event of this user is about to go out: whoever sends has stopped typing."""
        shown = self._typists.stop(room, author)
        if shown is not None:
            self._show_stop(room, author, shown)
        user = self._hub.users.get(author)
        if user is not None:
            self._may_type_again(user, room)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _may_type_again(self, user: User, room: Room) -> None:
        for session in user.sessions:
            if session.typing is not None:
                self._forget(session, room)

    def _forget(self, session: Session, room: Room) -> None:
        session.typing = {other: at for other, at in (session.typing or {}).items() if other is not room} or None

    def _publish(self, session: Session, room: Room, kind: Kind) -> None:
        user_id = session.user.user_id
        frame = frames.typing(
            conversation_id=room.conversation_id,
            sender_id=user_id,
            sender_handle=session.user.handle,
            is_typing=kind == Kind.TYPING_START,
        )
        self._publisher.publish(room.channel, pack(kind, frame, sender=user_id, epoch=self._hub.epoch_id))

    def _show_stop(self, room: Room, typist: bytes, start: bytes) -> None:
        self._hub.send_to_room(room, frames.typing_over(start), "typing", skip=typist)

    def _arm(self) -> None:
        if self._timer is None and self._typists.next_end is not None:
            delay = max(0.0, self._typists.next_end - monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._timer = None
        for room, typist, start in self._typists.expire(monotonic()):
            self._show_stop(room, typist, start)
        self._arm()
