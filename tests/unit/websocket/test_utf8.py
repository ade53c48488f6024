"""Autobahn's group 6: a text is UTF-8, in whatever pieces it comes, and fails at its first wrong byte."""

import pytest

from gateway.websocket.frames import Opcode
from gateway.websocket.parser import Event
from tests.unit.websocket.client_frames import by_the_byte, client_frame, more, parse, parse_until_error, text

GREEK = "κόσμε".encode()
INVALID_TEXT = 1007
Verdict = tuple[list[Event], int | None]

VALID = {
    "6.2 mixed": "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "6.5 greek": GREEK,
    "6.6 shortest of each length": b"\x00\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80",
    "6.9 longest of each length": b"\x7f\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf",
    "6.11 around the surrogates": b"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd",
    "6.22 non-characters": b"\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe\xf4\x8f\xbf\xbf",
}
INVALID = {
    "6.3 a surrogate in a text": GREEK + b"\xed\xa0\x80edited",
    "6.4 above the last code point": GREEK + b"\xf4\x90\x80\x80edited",
    "6.6 unfinished": b"\xce\xba\xe1\xbd",
    "6.8 five bytes": b"\xf8\x88\x80\x80\x80",
    "6.8 six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "6.10 above U+10FFFF": b"\xf7\xbf\xbf\xbf",
    "6.12 a lone continuation byte": b"\x80",
    "6.13 lone first bytes": b"\xc0 \xc1 \xf5 ",
    "6.14 a sequence that lacks its last byte": b"\xe2\x82 ",
    "6.16 impossible bytes": b"\xfe\xff",
    "6.17 overlong slash in two": b"\xc0\xaf",
    "6.18 overlong in three": b"\xe0\x9f\xbf",
    "6.19 overlong nul": b"\xc0\x80",
    "6.20 single surrogates": b"\xed\xad\xbf",
    "6.21 paired surrogates": b"\xed\xa0\x80\xed\xb0\x80",
}


def fragments(payload: bytes, at: int) -> list[bytes]:
    return [text(payload[:at], final=False), more(payload[at:])]


@pytest.mark.parametrize("payload", VALID.values(), ids=VALID.keys())
def test_valid_text_arrives_whole_cut_anywhere_and_in_single_bytes(payload: bytes) -> None:
    expected = [(Opcode.TEXT, payload)]
    assert parse(text(payload)) == expected
    assert parse(*by_the_byte(text(payload))) == expected
    for at in range(len(payload) + 1):
        assert parse(*fragments(payload, at)) == expected
    singles = [text(b"", final=False), *(more(byte, final=False) for byte in by_the_byte(payload)), more(b"")]
    assert parse(*singles) == expected


@pytest.mark.parametrize("payload", INVALID.values(), ids=INVALID.keys())
def test_invalid_text_fails_whole_cut_anywhere_and_in_single_bytes(payload: bytes) -> None:
    expected: Verdict = ([], INVALID_TEXT)
    assert parse_until_error(text(payload)) == expected
    assert parse_until_error(*by_the_byte(text(payload))) == expected
    for at in range(len(payload) + 1):
        assert parse_until_error(*fragments(payload, at)) == expected


def test_6_1_empty_fragments_make_an_empty_text() -> None:
    assert parse(text(b"", final=False), more(b"", final=False), more(b"")) == [(Opcode.TEXT, b"")]


@pytest.mark.parametrize("wrong", [b"\xf4\x90", b"\xed\xa0\x80", b"\xff"])
def test_6_4_a_text_fails_at_its_first_wrong_byte_before_the_frame_is_complete(wrong: bytes) -> None:
    payload = GREEK + wrong + b"edited"
    begun = text(payload)[: 6 + len(GREEK) + len(wrong)]
    assert parse_until_error(begun) == ([], INVALID_TEXT)
    assert parse_until_error(text(GREEK, final=False), more(wrong, final=False)) == ([], INVALID_TEXT)


def test_a_binary_message_may_hold_anything() -> None:
    assert parse(client_frame(Opcode.BINARY, b"\xff\xfe")) == [(Opcode.BINARY, b"\xff\xfe")]


def test_a_control_frame_between_fragments_does_not_disturb_a_cut_character() -> None:
    pieces = [text(GREEK[:1], final=False), client_frame(Opcode.PING, b"\xff"), more(GREEK[1:])]
    assert parse(*pieces) == [(Opcode.PING, b"\xff"), (Opcode.TEXT, GREEK)]
