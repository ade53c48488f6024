"""From one event to the sockets of a whole room: one write per member for all that queued.

A write costs the kernel about 2.5 µs however little it carries, and the gateway a tenth of that: only fewer writes
make a hot room cheaper. Two rules decide when a room is written. What is queued within one read
from Redis, or else one turn of the loop, leaves together at its end, so a quiet room is not delayed. And a room that
took long to write rests for as long, while its frames gather: it takes at most half of the loop's time, and the hotter
it is, the cheaper is each of its frames.
"""

import asyncio
from collections.abc import Collection, Iterable
from time import monotonic
from types import TracebackType
from typing import Protocol

from gateway.websocket.connection import Connection

_LONG_SECONDS = 0.001
_LONGEST_REST_SECONDS = 0.02


class Audience(Protocol):
    """Hashable by identity; `members` may change at any time but during a flush."""

    @property
    def members(self) -> Iterable[Connection]: ...


_Frames = list[tuple[bytes, Collection[Connection]]]


class Fanout:
    """The rooms that have frames waiting. One for the whole gateway; a room without waiting frames costs nothing.

    Frames of one room arrive in the order in which they were queued, at those who are members when they are written:
    whoever changes a room's members and cares which frames they get calls `flush` first.

    As a context it gathers: what is queued inside leaves at its end. That spares the loop a turn for each read, and
    with it a system call.
    """

    def __init__(self) -> None:
        self._waiting: dict[Audience, _Frames] = {}
        self._resting: dict[Audience, _Frames] = {}
        self._is_gathering = False

    def __enter__(self) -> None:
        self._is_gathering = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_gathering = False
        if self._waiting:
            self._flush_waiting()

    def queue(self, room: Audience, frame: bytes, skip: Collection[Connection] = ()) -> None:
        """Writes `frame` to all members but those in `skip`, at the end of the gathering, turn of the loop or rest."""
        frames = self._resting.get(room)
        if frames is None:
            frames = self._waiting.get(room)
        if frames is not None:
            frames.append((frame, skip))
            return
        if not self._waiting and not self._is_gathering:
            asyncio.get_running_loop().call_soon(self._flush_waiting)
        self._waiting[room] = [(frame, skip)]

    def flush(self, room: Audience) -> None:
        """Writes now what waits for this room."""
        frames = self._waiting.pop(room, None)
        if frames:
            self._write(room, frames)
            return
        frames = self._resting.get(room)
        if frames:
            self._resting[room] = []
            write(room.members, frames)

    def holds(self, room: Audience, frame: bytes) -> bool:
        """Whether this very frame is still to be written."""
        frames = (*self._waiting.get(room, ()), *self._resting.get(room, ()))
        return any(queued is frame for queued, _ in frames)

    def _flush_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for room, frames in waiting.items():
            self._write(room, frames)

    def _write(self, room: Audience, frames: _Frames) -> None:
        begun = monotonic()
        write(room.members, frames)
        took = monotonic() - begun
        if took > _LONG_SECONDS:
            self._resting[room] = []
            asyncio.get_running_loop().call_later(min(took, _LONGEST_REST_SECONDS), self._wake, room)

    def _wake(self, room: Audience) -> None:
        frames = self._resting.pop(room)
        if frames:
            self._write(room, frames)


def write(members: Iterable[Connection], frames: _Frames) -> None:
    """All frames to all members but those whom a frame skips, in one write for each."""
    if len(frames) == 1:
        frame, skip = frames[0]
        for member in members:
            if member not in skip:
                member.send(frame)
        return
    joined = b"".join([frame for frame, _ in frames])
    skipping = {connection for _, skip in frames for connection in skip}
    if not skipping:
        for member in members:
            member.send(joined)
        return
    for member in members:
        member.send(b"".join([frame for frame, skip in frames if member not in skip]) if member in skipping else joined)
