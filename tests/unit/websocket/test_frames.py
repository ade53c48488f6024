"""What the server sends, read back by the strictest reader at hand: the `websockets` library as a client."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.websocket.frames import close_frame, ping_frame, pong_frame, text_frame


def received(data: bytes) -> list[Frame]:
    client = ClientProtocol(parse_uri("ws://localhost"), state=State.OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    return [event for event in client.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_text_of_any_length_arrives_as_it_was(size: int) -> None:
    payload = b"p" * size
    assert received(text_frame(payload)) == [Frame(Opcode.TEXT, payload)]


def test_frames_are_never_masked() -> None:
    frames = [text_frame(b"a"), text_frame(b"a" * 126), ping_frame(), pong_frame(b"a"), close_frame(1000)]
    assert all(frame[1] & 0x80 == 0 for frame in frames)


def test_control_frames_arrive_as_they_were() -> None:
    assert received(ping_frame()) == [Frame(Opcode.PING, b"")]
    assert received(ping_frame(b"?")) == [Frame(Opcode.PING, b"?")]
    assert received(pong_frame(b"!" * 125)) == [Frame(Opcode.PONG, b"!" * 125)]
    assert received(close_frame()) == [Frame(Opcode.CLOSE, b"")]
    assert received(close_frame(4401, "frischen Schlüssel")) == [
        Frame(Opcode.CLOSE, b"\x11\x31" + "frischen Schlüssel".encode())
    ]


@pytest.mark.parametrize("build", [ping_frame, pong_frame, lambda payload: close_frame(1000, payload.decode())])
def test_a_control_payload_too_long_is_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match="at most 125"):
        build(b"x" * 126)
