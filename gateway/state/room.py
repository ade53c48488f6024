"""One conversation in this gateway: who is in it here, and who is only coming in. Pure: it writes to no socket.

A member gets what the room forwards. A newcomer must first learn up to where its own sync reaches (the head): what the
room forwards until then is held for it, and of that only what lies above the head is its to get.
"""

from collections.abc import Callable
from typing import Final, Protocol

from gateway.state.reorder import Reorder
from gateway.websocket.connection import Connection
from shared import keys

NO_SEQ: Final = 0
"""The seq of a frame that is no durable event."""

_UNKNOWN: Final = -1
_CHANNEL_PREFIX: Final = len(keys.room(""))


class Occupant(Protocol):
    """A session, as far as a room knows it. `connection` is there before the session becomes a member."""

    @property
    def connection(self) -> Connection: ...

    @property
    def acks(self) -> bool:
        """Whether it promised to say what it got."""

    @property
    def user_channel(self) -> bytes:
        """Whose it is."""


class Waiting:
    """A newcomer's place: its frames are held while the head is unknown; then it waits for the room to reach it."""

    __slots__ = ("head", "held")

    def __init__(self) -> None:
        self.head = _UNKNOWN
        self.held: list[tuple[int, bytes]] = []

    @property
    def is_held(self) -> bool:
        return self.head == _UNKNOWN

    def settle(self, head: int, forwarded: int) -> int:
        """The head from which this newcomer's events can follow without a hole, not below the one that was read.

        The room may have started, or skipped, past that one while the answer was on its way.
        """
        first = next((seq for seq, _ in self.held if seq != NO_SEQ), None) if self.held else None
        self.head = max(head, forwarded if first is None else first - 1)
        return self.head

    def release(self) -> bytes:
        """What was held and is above the head, to be written at once."""
        if not self.held:
            return b""
        held, self.held = self.held, []
        return b"".join([frame for seq, frame in held if seq == NO_SEQ or seq > self.head])


class Room(Reorder[bytes], gc=False, eq=False):
    """A place in its conversation's log, and who is told of it.

    `members` are written to by the fan-out; `newcomers` are not yet among them. A gateway has hundreds of thousands of
    rooms, most of them with one member: so it is one object, without what few rooms need. The garbage collector does
    not know it (a storm of connects would keep it busy): whoever leaves is taken out, and nothing refers to an empty
    room.
    """

    channel: bytes
    people: int
    """Participants of the conversation, here or not."""
    members: tuple[Connection, ...] = ()
    legacy: tuple[Occupant, ...] = ()
    """Members who never promised to say what they got."""
    newcomers: dict[Occupant, Waiting] | None = None
    typists: dict[bytes, tuple[float, bytes]] | None = None
    """User channel -> when it falls silent, and the frame that showed it."""
    tail: int = 0
    """How many of the last events that were forwarded are no message."""

    @property
    def conversation_id(self) -> str:
        """Not kept beside the channel that holds it: a gateway has a hundred thousand rooms."""
        return self.channel[_CHANNEL_PREFIX:].decode()

    @property
    def counted(self) -> int:
        """The seq of the last message that was forwarded, or that the log had when the room began here."""
        return self.forwarded - self.tail

    @property
    def is_empty(self) -> bool:
        return not self.members and not self.newcomers

    def is_newcomer(self, occupant: Occupant) -> bool:
        return self.newcomers is not None and occupant in self.newcomers

    def knows(self, occupant: Occupant) -> bool:
        """A newcomer or a member."""
        return self.is_newcomer(occupant) or occupant.connection in self.members

    def enter(self, occupant: Occupant) -> None:
        """Somebody comes in: from now on everything that the room forwards is held for them."""
        if self.newcomers is None:
            self.newcomers = {}
        self.newcomers[occupant] = Waiting()

    def settle(self, occupant: Occupant, head: int) -> int:
        """Fixes the newcomer's head, which must have been read after `enter`; gives the one that holds for them."""
        assert self.newcomers is not None
        return self.newcomers[occupant].settle(head, self.forwarded)

    def release(self, occupant: Occupant) -> bytes:
        """The settled newcomer's held frames; a member from here on, or once the room has reached the head.

        What waits in the fan-out was held too: flush it before.
        """
        assert self.newcomers is not None
        waiting = self.newcomers[occupant]
        if self.forwarded >= waiting.head:
            self._let_in(occupant)
        return waiting.release()

    def overtaken(self, seq: int) -> list[Occupant]:
        """The newcomers whose head lies below `seq`, the event about to be forwarded. `admit` them before it is."""
        if not self.newcomers:
            return []
        return [who for who, waiting in self.newcomers.items() if not waiting.is_held and waiting.head < seq]

    def admit(self, occupants: list[Occupant]) -> None:
        """Members from now on. Flush the fan-out before."""
        for occupant in occupants:
            self._let_in(occupant)

    def hold(self, seq: int, frame: bytes, *, author: bytes) -> None:
        """Keeps a durable event for the newcomers whose head is not known yet.

        `author` is the sender's user channel: an older app would show its own message twice.
        """
        for occupant, waiting in (self.newcomers or {}).items():
            if waiting.is_held and (occupant.acks or occupant.user_channel != author):
                waiting.held.append((seq, frame))

    def drop_held(self, occupant: Occupant) -> None:
        """The events that are held for this newcomer are not theirs to get: none is a message, and they hide this."""
        if self.newcomers is not None and occupant in self.newcomers:
            waiting = self.newcomers[occupant]
            waiting.held = [(seq, frame) for seq, frame in waiting.held if seq == NO_SEQ]

    def signal(self, frame: bytes, *, spares: Callable[[bytes], bool]) -> list[Occupant]:
        """Keeps a frame that is no event for the newcomers, but for those whose user's channel it `spares`.

        Gives the newcomers who were told `connected` and only wait for the room to reach their head: they get it now.
        """
        now: list[Occupant] = []
        for occupant, waiting in (self.newcomers or {}).items():
            if spares(occupant.user_channel):
                continue
            if waiting.is_held:
                waiting.held.append((NO_SEQ, frame))
            else:
                now.append(occupant)
        return now

    def discard(self, occupant: Occupant) -> None:
        """They left, whatever they were here; no harm if they were not."""
        if self.is_newcomer(occupant):
            self._remove_newcomer(occupant)
            return
        connection = occupant.connection
        self.members = tuple(member for member in self.members if member is not connection)
        self.now_acks(occupant)

    def now_acks(self, occupant: Occupant) -> None:
        """From now on they say themselves what they got."""
        if occupant in self.legacy:
            self.legacy = tuple(other for other in self.legacy if other is not occupant)

    def restart(self) -> None:
        """The log's history is another one: forget the old seqs. Newcomers whose head was of the old one become
        members; what is held for the others are events that no longer exist."""
        self.reset()
        settled = [who for who, waiting in (self.newcomers or {}).items() if not waiting.is_held]
        self.admit(settled)
        for waiting in (self.newcomers or {}).values():
            waiting.held = [(seq, frame) for seq, frame in waiting.held if seq == NO_SEQ]

    def _let_in(self, occupant: Occupant) -> None:
        self._remove_newcomer(occupant)
        connection = occupant.connection
        self.members = (*self.members, connection) if self.members else connection.alone
        if not occupant.acks:
            self.legacy = (*self.legacy, occupant)

    def _remove_newcomer(self, occupant: Occupant) -> None:
        assert self.newcomers is not None
        del self.newcomers[occupant]
        if not self.newcomers:
            self.newcomers = None
