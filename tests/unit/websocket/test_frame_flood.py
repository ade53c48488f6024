"""Every frame of a client counts, and none costs the others their turn."""

import asyncio

import pytest

from gateway.websocket.connection import FRAMES_A_TURN, Connection
from gateway.websocket.ending import CLOSE_WITHIN_BYTES, DISCARDED_BYTES
from gateway.websocket.frame_limit import FrameLimit
from gateway.websocket.frames import Opcode, close_frame
from gateway.websocket.limits import Limits
from shared.setting_forms import Bucket
from tests.unit.websocket.client_frames import client_frame, close, more, text
from tests.unit.websocket.recording import RecordingTransport, SilentOwner

FLOODED = close_frame(4429, "too many frames")
READ = 256 * 1024
SORTS = {
    "pongs": client_frame(Opcode.PONG),
    "pings": client_frame(Opcode.PING),
    "pings of React Native": client_frame(Opcode.BINARY),
    "texts": text(b"{}"),
    "binaries": client_frame(Opcode.BINARY, b"\x00"),
    "empty fragments": text(b"", final=False) + more(b"", final=False) * 9 + more(b""),
    "one message without an end": more(b"", final=False),
}


class Counting(SilentOwner):
    def __init__(self) -> None:
        self.heard = 0
        self.excess = 0

    def on_text(self, connection: Connection, data: bytes) -> None:
        self.heard += 1

    def on_binary(self, connection: Connection, data: bytes) -> None:
        self.heard += 1

    def on_alive(self, connection: Connection) -> None:
        self.heard += 1

    def on_excess(self, connection: Connection, data: bytes) -> None:
        self.excess += 1


def limited(bucket: Bucket) -> tuple[Connection, RecordingTransport, Counting, FrameLimit]:
    owner, limit, transport = Counting(), FrameLimit(bucket), RecordingTransport()
    connection = Connection(owner, Limits(frames=limit))
    connection.connection_made(transport)
    return connection, transport, owner, limit


@pytest.mark.parametrize("frame", SORTS.values(), ids=SORTS.keys())
@pytest.mark.parametrize("in_one_read", [True, False])
async def test_frames_of_every_sort_are_counted_and_too_many_close_with_4429(
    frame: bytes, *, in_one_read: bool
) -> None:
    connection, transport, owner, limit = limited(Bucket(1, 10))
    if frame == more(b"", final=False):
        connection.data_received(text(b"", final=False))
    frames = frame * 1000
    pieces = [frames] if in_one_read else [frames[at : at + 6] for at in range(0, len(frames), 6)]
    for piece in pieces:
        connection.data_received(piece)
    assert transport.writes[-1] == FLOODED
    assert transport.is_paused, "what comes now stays in the client's kernel"
    assert owner.heard <= 10
    assert owner.excess <= 10
    assert limit.excess <= 11


async def test_a_read_full_of_frames_beyond_the_limit_is_not_even_looked_at() -> None:
    connection, transport, _, limit = limited(Bucket(20, 100))
    flood = client_frame(Opcode.PONG) * (READ // 6)
    seen = 0
    while not transport.is_paused or seen == 0:
        connection.data_received(flood[:READ] if not seen else b"")
        seen += 1
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert transport.writes == [FLOODED]
    assert limit.excess == 100, "of 43,690"


async def test_a_long_read_is_taken_in_turns_and_nothing_of_it_is_lost() -> None:
    connection, transport, owner, _ = limited(Bucket(1000, 10_000))
    connection.data_received(text(b"{}") * 1000)
    assert owner.heard == FRAMES_A_TURN
    assert transport.is_paused
    while transport.is_paused:
        await asyncio.sleep(0)
    assert owner.heard == 1000
    connection.data_received(text(b"{}"))
    assert owner.heard == 1001


async def test_what_comes_while_a_long_read_is_taken_in_turns_comes_behind_it() -> None:
    connection, transport, owner, _ = limited(Bucket(1000, 10_000))
    connection.data_received(text(b"{}") * 100)
    connection.data_received(close(1000))
    while transport.is_paused and not transport.closings:
        await asyncio.sleep(0)
    assert (owner.heard, transport.closings) == (100, 1)


async def test_a_pong_that_was_asked_for_costs_nothing_at_any_pace() -> None:
    connection, transport, owner, limit = limited(Bucket(0.001, 2))
    for _ in range(1000):
        connection.ask()
        connection.data_received(client_frame(Opcode.PONG))
    assert (owner.heard, limit.excess, transport.is_paused) == (1000, 0, False)


async def test_who_was_dismissed_and_goes_on_sending_is_dropped_within_few_bytes() -> None:
    connection, transport, owner, _ = limited(Bucket(20, 100))
    connection.dismiss(4401, "no token")
    sent = 0
    while not transport.aborts:
        connection.data_received(client_frame(Opcode.PONG) * 10)
        sent += 60
        assert sent <= CLOSE_WITHIN_BYTES + 60
    assert owner.heard == 0


@pytest.mark.parametrize("frame", [client_frame(Opcode.PONG), text(b"[" * 1000)])
async def test_a_read_full_of_frames_on_a_dismissed_socket_drops_it_at_once(frame: bytes) -> None:
    connection, transport, _, limit = limited(Bucket(20, 100))
    connection.dismiss(4401, "no token")
    connection.data_received(frame * (READ // len(frame)))
    assert (transport.aborts, limit.excess) == (1, 0)


async def test_the_close_frame_is_found_behind_what_was_on_its_way() -> None:
    for begin in (Connection.dismiss, Connection.close):
        connection, transport, owner, _ = limited(Bucket(20, 100))
        begin(connection, 4401, "no token")
        connection.data_received(text(b"on its way") + client_frame(Opcode.PING) + close(4401))
        assert (transport.closings, transport.aborts, owner.heard) == (1, 0, 0)


async def test_a_session_that_is_closed_on_in_the_middle_of_a_long_frame_sees_the_close_and_no_reset() -> None:
    connection, transport, _, _ = limited(Bucket(20, 100))
    frame = text(b"x" * 60_000)
    connection.data_received(frame[:100])
    connection.close(1012, "draining")
    connection.data_received(frame[100:])
    assert (transport.aborts, transport.closings, transport.is_paused) == (0, 0, True)


async def test_what_is_discarded_is_bounded_too() -> None:
    connection, transport, _, _ = limited(Bucket(20, 100))
    connection.data_received(client_frame(3))
    reads = 0
    while not transport.is_paused:
        connection.data_received(b"x")
        reads += 1
        assert reads <= DISCARDED_BYTES // 4096 + 1
