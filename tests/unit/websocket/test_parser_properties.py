"""Whatever bytes come, in whatever pieces: a message as it was sent, or a protocol error, and nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.websocket.frames import Opcode
from gateway.websocket.header import ProtocolError
from gateway.websocket.parser import Event, Parser, unmask, whole_frame
from tests.unit.websocket.client_frames import client_frame, parse, parse_until_error

MASKS = st.binary(min_size=4, max_size=4)
CONTROLS = st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125))
MESSAGES = st.one_of(
    st.tuples(st.just(Opcode.TEXT), st.text(max_size=200).map(str.encode)),
    st.tuples(st.just(Opcode.BINARY), st.binary(max_size=70_000)),
)
ANY_FRAMES = st.tuples(st.integers(0, 15), st.booleans(), st.binary(max_size=200))


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Event]]:
    """The bytes of a client that cuts messages into fragments with control frames in between, and what they mean."""
    wire, meant = b"", list[Event]()
    for opcode, payload in draw(st.lists(st.one_of(MESSAGES, CONTROLS), max_size=5)):
        is_message = opcode in (Opcode.TEXT, Opcode.BINARY)
        pieces = cut(payload, draw(st.lists(st.integers(0), max_size=3))) if is_message else [payload]
        for number, piece in enumerate(pieces):
            for control in draw(st.lists(CONTROLS, max_size=1)) if number else []:
                wire += client_frame(*control, mask=draw(MASKS))
                meant.append(control)
            final = number == len(pieces) - 1
            wire += client_frame(Opcode.CONTINUATION if number else opcode, piece, final=final, mask=draw(MASKS))
        meant.append((opcode, payload))
    return wire, meant


@given(conversations(), st.lists(st.integers(0), max_size=20))
def test_any_messages_cut_anywhere_arrive_as_they_were_sent(
    conversation: tuple[bytes, list[Event]], at: list[int]
) -> None:
    wire, meant = conversation
    parser = Parser(70_000)
    events = [event for piece in cut(wire, at) for event in parser.feed(piece)]
    assert events == meant
    assert parser.is_idle


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_random_bytes_raise_nothing_but_a_protocol_error(pieces: list[bytes]) -> None:
    parse_until_error(*pieces)


@given(st.lists(ANY_FRAMES, max_size=6), st.binary(max_size=20))
def test_frames_in_any_order_raise_nothing_but_a_protocol_error(
    frames: list[tuple[int, bool, bytes]], behind: bytes
) -> None:
    parse_until_error(b"".join(client_frame(op, payload, final=final) for op, final, payload in frames) + behind)


@given(conversations(), st.integers(0), st.integers(0, 7))
def test_the_verdict_does_not_depend_on_how_the_bytes_were_cut(
    conversation: tuple[bytes, list[Event]], at: int, bit: int
) -> None:
    wire = bytearray(conversation[0] or b"\x81\x80\x00\x00\x00\x00")
    wire[at % len(wire)] ^= 1 << bit
    whole = parse_until_error(bytes(wire), limit=500)
    assert parse_until_error(*cut(bytes(wire), list(range(0, 2000, 7))), limit=500) == whole


@given(st.one_of(st.binary(max_size=140), conversations().map(lambda conversation: conversation[0])))
def test_the_short_way_agrees_with_the_parser_on_all_that_it_accepts(data: bytes) -> None:
    event = whole_frame(data)
    if event is not None:
        assert parse(data) == [event]


@given(st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG]), st.text(max_size=40), MASKS)
def test_the_short_way_accepts_every_small_final_frame(opcode: Opcode, text: str, mask: bytes) -> None:
    payload = text.encode()[:100].decode(errors="ignore").encode()
    assert whole_frame(client_frame(opcode, payload, mask=mask)) == (opcode, payload)


@given(st.binary(max_size=300), MASKS)
def test_unmasking_is_a_xor_with_the_mask_over_and_over(payload: bytes, mask: bytes) -> None:
    assert unmask(payload, mask) == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_what_came_before_an_error_is_told_first(payloads: list[bytes]) -> None:
    good = b"".join(client_frame(Opcode.BINARY, payload) for payload in payloads)
    parser = Parser(500)
    seen = list[Event]()
    with pytest.raises(ProtocolError, match="reserved"):
        seen.extend(parser.feed(good + b"\xff\xff"))
    assert seen == [(Opcode.BINARY, payload) for payload in payloads]
