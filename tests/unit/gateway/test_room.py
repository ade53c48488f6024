"""Coming into a room: whoever joins gets every event above its head, each once, whenever the head arrives."""

from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.state.room import Room
from gateway.websocket.connection import Connection

ANN, BEN = b"parley:u:ann", b"parley:u:ben"


@dataclass(eq=False)
class Phone:
    """An occupant whose connection writes down what it is sent."""

    acks: bool = True
    user_channel: bytes = ANN
    got: list[bytes] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        return cast(Connection, self)

    @property
    def alone(self) -> "tuple[Connection]":
        return (self.connection,)

    def send(self, frames: bytes) -> None:
        self.got.append(frames)


def nobody(_: bytes) -> bool:
    return False


def a_room() -> Room:
    return Room(b"parley:r:one", 2)


def forward(room: Room, seq: int, author: bytes = BEN) -> None:
    """As the hub does for one event that is next."""
    for event in room.accept(seq, b"%d " % seq, 0.0):
        room.admit(room.overtaken(int(event)))
        room.hold(int(event), event, author=author)
        for member in room.members:
            member.send(event)


def begin(room: Room, head: int) -> None:
    for event in room.start(head, 0.0):
        room.admit(room.overtaken(int(event)))
        room.hold(int(event), event, author=BEN)
        for member in room.members:
            member.send(event)


def enter(room: Room, phone: Phone, head: int) -> int:
    begin(room, head)
    settled = room.settle(phone, head)
    held = room.release(phone)
    if held:
        phone.send(held)
    return settled


def seqs(phone: Phone) -> list[int]:
    return [int(number) for number in b"".join(phone.got).split()]


def test_what_is_forwarded_before_the_head_is_known_is_held_and_follows_it() -> None:
    room, phone = a_room(), Phone()
    begin(room, 5)
    room.enter(phone)
    for seq in (6, 7, 8):
        forward(room, seq)
    assert phone.got == []
    assert enter(room, phone, 7) == 7
    assert seqs(phone) == [8]
    forward(room, 9)
    assert seqs(phone) == [8, 9]


def test_a_newcomer_waits_until_the_room_has_reached_its_head() -> None:
    room, early, late = a_room(), Phone(), Phone()
    room.enter(early)
    enter(room, early, 3)
    room.enter(late)
    assert enter(room, late, 5) == 5
    assert room.is_newcomer(late)
    for seq in (4, 5, 6):
        forward(room, seq)
    assert seqs(early) == [4, 5, 6]
    assert seqs(late) == [6]
    assert not room.newcomers


def test_a_newcomer_that_waits_gets_frames_that_are_no_events_at_once() -> None:
    room, early, late = a_room(), Phone(), Phone()
    room.enter(early)
    enter(room, early, 3)
    room.enter(late)
    assert room.signal(b"typing", spares=nobody) == []
    enter(room, late, 5)
    assert room.signal(b"receipt", spares=nobody) == [late]
    assert room.signal(b"receipt", spares=ANN.__eq__) == []
    assert late.got == [b"typing"]


def test_two_newcomers_of_a_fresh_room_agree_whose_head_ever_comes_first() -> None:
    room, one, two = a_room(), Phone(), Phone()
    room.enter(one)
    room.enter(two)
    forward(room, 5)  # held: the room has no head yet
    assert enter(room, one, 4) == 4
    assert enter(room, two, 2) == 4, "the room started past this head: its events from 5 on can follow, 3 and 4 cannot"
    assert seqs(one) == [5]
    assert seqs(two) == [5]


def test_an_older_app_is_spared_its_own_messages_also_while_it_comes_in() -> None:
    room, old = a_room(), Phone(acks=False)
    begin(room, 0)
    room.enter(old)
    forward(room, 1, author=ANN)
    forward(room, 2, author=BEN)
    enter(room, old, 0)
    assert seqs(old) == [2]
    assert room.legacy == (old,)


def test_who_leaves_is_gone_as_a_newcomer_and_as_a_member() -> None:
    room, one, two = a_room(), Phone(), Phone(acks=False)
    room.enter(one)
    room.enter(two)
    room.discard(one)
    enter(room, two, 0)
    room.discard(two)
    room.discard(two)
    assert room.is_empty
    assert room.legacy == ()


def test_another_line_of_history_forgets_what_was_held_and_lets_everyone_in() -> None:
    room, waiting, held = a_room(), Phone(), Phone()
    room.enter(waiting)
    enter(room, waiting, 0)
    room.discard(waiting)
    room.enter(waiting)
    enter(room, waiting, 9)
    room.enter(held)
    forward(room, 1)
    room.signal(b"0 ", spares=nobody)
    room.restart()
    assert waiting.connection in room.members
    room.start(0, 0.0)
    enter(room, held, 0)
    assert held.got == [b"0 "]


@settings(deadline=None)
@given(
    total=st.integers(1, 12),
    joined_at=st.integers(0, 12),
    answered_at=st.integers(0, 12),
    lag=st.integers(0, 4),
    order=st.randoms(use_true_random=False),
)
def test_every_event_above_the_head_comes_once_and_in_order(
    total: int, joined_at: int, answered_at: int, lag: int, order: Any
) -> None:
    """Events come from Redis late and shuffled by up to `lag`; the head is read after joining, and arrives later."""
    room, member, phone = a_room(), Phone(), Phone()
    room.enter(member)
    enter(room, member, 0)
    arriving = sorted(range(1, total + 1), key=lambda seq: seq + order.random() * lag)
    joined_at = min(joined_at, total)
    answered_at = min(max(answered_at, joined_at), total)
    head = None
    for count, seq in enumerate([*arriving, None]):
        if count == joined_at:
            room.enter(phone)
            # Committed is at least what Redis has brought so far.
            head = min(total, max([0, *arriving[:count]]) + lag)
        if count == answered_at:
            assert head is not None
            settled = enter(room, phone, head)
            assert settled == head
        if seq is not None:
            forward(room, seq)
    assert seqs(member) == list(range(1, total + 1))
    assert head is not None
    assert seqs(phone) == list(range(head + 1, total + 1))
