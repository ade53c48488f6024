import asyncio

from gateway.websocket.connection import Connection
from gateway.websocket.fanout import Fanout
from tests.support.waiting import eventually
from tests.unit.websocket.recording import RecordingTransport, recorded


class AnyRoom:
    def __init__(self, size: int = 3, slow_seconds: float = 0.0) -> None:
        pairs = [recorded(slow_seconds) for _ in range(size)]
        self.members: list[Connection] = [connection for connection, _ in pairs]
        self.transports: list[RecordingTransport] = [transport for _, transport in pairs]

    @property
    def writes(self) -> list[list[bytes]]:
        return [transport.writes for transport in self.transports]


async def test_a_lone_frame_reaches_every_member_within_one_turn_of_the_loop() -> None:
    fanout, room = Fanout(), AnyRoom()
    fanout.queue(room, b"one")
    await asyncio.sleep(0)
    assert room.writes == [[b"one"]] * 3


async def test_every_member_is_handed_the_same_bytes() -> None:
    fanout, room, frame = Fanout(), AnyRoom(), b"one"
    written = list[object]()
    for transport in room.transports:
        transport.write = written.append  # type: ignore[method-assign, assignment]
    fanout.queue(room, frame)
    fanout.flush(room)
    assert all(data is frame for data in written)


async def test_what_queues_within_one_turn_leaves_in_one_write_in_order() -> None:
    fanout, room = Fanout(), AnyRoom()
    for frame in (b"one ", b"two ", b"three"):
        fanout.queue(room, frame)
    await asyncio.sleep(0)
    assert room.writes == [[b"one two three"]] * 3


async def test_what_is_gathered_leaves_at_the_end_of_the_gathering() -> None:
    fanout, here, there = Fanout(), AnyRoom(), AnyRoom()
    with fanout:
        fanout.queue(here, b"one ")
        fanout.queue(there, b"hello")
        fanout.queue(here, b"two")
        assert here.writes == [[]] * 3
    assert (here.writes, there.writes) == ([[b"one two"]] * 3, [[b"hello"]] * 3)


async def test_what_waited_before_a_gathering_is_written_once() -> None:
    fanout, room = Fanout(), AnyRoom()
    fanout.queue(room, b"one ")
    with fanout:
        fanout.queue(room, b"two")
    assert room.writes == [[b"one two"]] * 3
    await asyncio.sleep(0)
    fanout.queue(room, b"three")
    await eventually(lambda: room.writes == [[b"one two", b"three"]] * 3)


async def test_rooms_do_not_mix() -> None:
    fanout, here, there = Fanout(), AnyRoom(), AnyRoom()
    fanout.queue(here, b"here")
    fanout.queue(there, b"there")
    await asyncio.sleep(0)
    assert (here.writes, there.writes) == ([[b"here"]] * 3, [[b"there"]] * 3)


async def test_who_is_skipped_misses_that_frame_alone() -> None:
    fanout, room = Fanout(), AnyRoom()
    fanout.queue(room, b"one ")
    fanout.queue(room, b"two ", skip={room.members[1]})
    fanout.queue(room, b"three")
    await asyncio.sleep(0)
    assert room.writes == [[b"one two three"], [b"one three"], [b"one two three"]]


async def test_who_is_skipped_by_all_that_waits_is_written_nothing() -> None:
    fanout, room = Fanout(), AnyRoom(2)
    fanout.queue(room, b"one", skip=[room.members[0]])
    await asyncio.sleep(0)
    assert room.writes == [[], [b"one"]]


async def test_a_flush_writes_at_once_and_only_once() -> None:
    fanout, room = Fanout(), AnyRoom()
    fanout.queue(room, b"one")
    fanout.flush(room)
    assert room.writes == [[b"one"]] * 3
    await asyncio.sleep(0)
    fanout.flush(room)
    assert room.writes == [[b"one"]] * 3


async def test_a_room_that_took_long_rests_and_joins_what_comes_meanwhile() -> None:
    fanout, room = Fanout(), AnyRoom(1, slow_seconds=0.01)
    fanout.queue(room, b"one")
    await asyncio.sleep(0)
    for frame in (b"two ", b"three"):
        fanout.queue(room, frame)
        await asyncio.sleep(0)
    assert room.writes == [[b"one"]]
    await eventually(lambda: room.writes == [[b"one", b"two three"]])


async def test_a_resting_room_does_not_hold_up_a_quiet_one() -> None:
    fanout, hot, quiet = Fanout(), AnyRoom(1, slow_seconds=0.01), AnyRoom(1)
    fanout.queue(hot, b"one")
    await asyncio.sleep(0)
    fanout.queue(quiet, b"hello")
    await asyncio.sleep(0)
    assert quiet.writes == [[b"hello"]]


async def test_a_resting_room_is_flushed_on_demand() -> None:
    fanout, room = Fanout(), AnyRoom(1, slow_seconds=0.01)
    fanout.queue(room, b"one")
    await asyncio.sleep(0)
    fanout.queue(room, b"two")
    fanout.flush(room)
    assert room.writes == [[b"one", b"two"]]


async def test_a_room_that_has_rested_is_written_within_one_turn_again() -> None:
    fanout, room = Fanout(), AnyRoom(1, slow_seconds=0.002)
    fanout.queue(room, b"one")
    await asyncio.sleep(0)

    async def leaves_within_its_turn() -> bool:
        before = len(room.transports[0].writes)
        fanout.queue(room, b"more")
        await asyncio.sleep(0)
        return len(room.transports[0].writes) > before

    await eventually(leaves_within_its_turn)


async def test_a_lost_member_does_not_keep_the_frame_from_the_others() -> None:
    fanout, room = Fanout(), AnyRoom()
    room.transports[0].is_lost = True
    fanout.queue(room, b"one")
    await asyncio.sleep(0)
    assert room.writes == [[], [b"one"], [b"one"]]
    assert not room.members[0].is_open
