"""A gateway's part of a trace: ends with the last socket write, and leaves nothing behind."""

import asyncio

from gateway.forwarding.tracing import MOST, DeliveryTracing
from gateway.state.room import Room
from gateway.websocket.fanout import Fanout
from shared import keys
from shared.ids import new_id
from shared.tracing import NO_FACTS, Facts
from shared.wire import Kind, pack
from tests.unit.websocket.recording import recorded

CONTEXT = bytes(range(24))
FRAME = b"frame"


class Told:
    """A span that notes when it ends."""

    context, trace_id = CONTEXT, CONTEXT[:16].hex()

    def __init__(self) -> None:
        self.facts: Facts | None = None

    def end(self, facts: Facts = NO_FACTS, *, error: str | None = None) -> None:
        assert error is None
        self.facts = facts


class Recording:
    """Tracing that keeps what began."""

    def __init__(self) -> None:
        self.spans: list[Told] = []

    def request(self, *_: object) -> None:
        return None

    def step(self, name: str, parent: bytes) -> Told:
        assert (name, parent) == ("deliver", CONTEXT)
        self.spans.append(Told())
        return self.spans[-1]


def room() -> Room:
    made = Room(keys.room(new_id()).encode(), 2)
    made.start(0, 0.0)
    return made


def span_of(seq: int) -> bytes:
    return pack(Kind.SPAN, CONTEXT, seq=seq)


async def test_a_span_ends_only_when_its_frame_was_written_also_where_the_room_rests() -> None:
    tracing, fanout, hot = Recording(), Fanout(), room()
    spans = DeliveryTracing(tracing, fanout)
    connection, transport = recorded(slow_seconds=0.003)
    hot.members = (connection,)
    fanout.queue(hot, b"before")
    await asyncio.sleep(0)
    assert transport.writes == [b"before"]

    spans.begin(hot, span_of(1))
    fanout.queue(hot, FRAME)
    spans.forwarded(hot, 1, FRAME)
    [span] = tracing.spans
    while FRAME not in transport.writes:
        assert span.facts is None
        await asyncio.sleep(0)
    while span.facts is None:
        await asyncio.sleep(0)

    assert span.facts == {"parley.conversation_id": hot.conversation_id, "parley.seq": 1, "parley.sockets": 1}
    assert not spans.begun


def test_an_event_that_the_room_has_already_begins_no_span() -> None:
    tracing, known = Recording(), room()
    spans = DeliveryTracing(tracing, Fanout())
    known.accept(1, b"", 0.0)

    spans.begin(known, span_of(1))

    assert not tracing.spans
    assert not spans.begun


def test_spans_whose_events_never_come_are_forgotten_oldest_first() -> None:
    spans, quiet = DeliveryTracing(Recording(), Fanout()), room()

    for seq in range(1, MOST + 3):
        spans.begin(quiet, span_of(seq))

    assert len(spans.begun) == MOST
    assert next(iter(spans.begun)) == (quiet.channel, 3)
