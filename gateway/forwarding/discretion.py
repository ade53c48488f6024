"""Users here who are not told how far others read, or when others were last here, because they do not tell it either.

Where there are none, nothing is looked for. What they must not hear is left out, or goes to them without it.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from gateway.state.room import Room
from gateway.state.user import User
from gateway.stats import Stats
from gateway.websocket.fanout import Fanout
from gateway.websocket.frames import text_frame
from shared.wire import Privacy, ReceiptStatus

NOTHING_PRIVATE = Privacy()


class Sending(Protocol):
    """The hub, as far as this needs it."""

    fanout: Fanout
    stats: Stats

    def send_to_room(self, room: Room, payload: bytes, kind: str, *, skip: bytes | None = None) -> None: ...


class Discretion:
    """Goes by the channels of users."""

    def __init__(self, hub: Sending) -> None:
        self._hub = hub
        self._no_reads: set[bytes] = set()
        self._no_times: set[bytes] = set()

    def note(self, user: User, privacy: Privacy) -> int:
        """What this user does not tell others, from here on. 1 where that is news."""
        before = Privacy(user.channel in self._no_reads, user.channel in self._no_times)
        for channels, is_in in ((self._no_reads, privacy.reads_privately), (self._no_times, privacy.hides_last_seen)):
            (channels.add if is_in else channels.discard)(user.channel)
        return int(before != privacy)

    def forget(self, user: User) -> None:
        """No session of theirs is here."""
        self._no_reads.discard(user.channel)
        self._no_times.discard(user.channel)

    def send_receipt(self, room: Room, status: int, payload: bytes) -> None:
        """Of everybody together those who see no reading hear how far all have it."""
        if not self._no_reads or status == ReceiptStatus.DELIVERED:
            self._hub.send_to_room(room, payload, "receipt")
            return
        self._send(room, payload, "receipt", lambda user: user in self._no_reads)
        if status == ReceiptStatus.ALL:
            self._send(room, _without(payload, readUpTo=0), "receipt", lambda user: user not in self._no_reads)

    def send_offline(self, room: Room, payload: bytes, *, skip: bytes) -> None:
        """That somebody went offline, and when, to all in the room but the user whose channel is `skip`."""
        if not self._no_times:
            self._hub.send_to_room(room, payload, "presence", skip=skip)
            return
        self._send(room, payload, "presence", lambda user: user == skip or user in self._no_times)
        masked = _without(payload, lastSeenAt=None)
        self._send(room, masked, "presence", lambda user: user == skip or user not in self._no_times)

    def _send(self, room: Room, payload: bytes, kind: str, spares: Callable[[bytes], bool]) -> None:
        frame = text_frame(payload)
        for newcomer in room.signal(frame, spares=spares):
            newcomer.connection.send(frame)
        skip = [member for member in room.members if spares(member.owner.user_channel)]  # type: ignore[attr-defined]
        self._hub.fanout.queue(room, frame, skip)
        self._hub.stats.frames_sent[kind] += len(room.members) - len(skip)


def _without(payload: bytes, **hidden: Any) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(payload) | hidden)
