"""The cases of the Autobahn test suite that concern a server's reader, by their groups and numbers.

https://github.com/crossbario/autobahn-testsuite names them: 1 framing, 2 pings and pongs, 3 reserved bits, 4 reserved
opcodes, 5 fragmentation, 7 closing, 10 misc; 6, UTF-8, stands in test_utf8. Group 9 measures speed; 12 and 13 are of
compression, which is never negotiated.
"""

import pytest

from gateway.websocket.frames import Opcode
from tests.unit.websocket.client_frames import by_the_byte, client_frame, close, more, parse, parse_until_error, text

PING, PONG, TEXT, BINARY = Opcode.PING, Opcode.PONG, Opcode.TEXT, Opcode.BINARY
PROTOCOL_ERROR, INVALID_TEXT, TOO_BIG = 1002, 1007, 1009


class TestGroup1Framing:
    @pytest.mark.parametrize("opcode", [TEXT, BINARY])
    @pytest.mark.parametrize("size", [0, 125, 126, 127, 128, 65535, 65536])
    def test_1_1_and_1_2_a_message_of_any_length_arrives(self, opcode: Opcode, size: int) -> None:
        assert parse(client_frame(opcode, b"*" * size)) == [(opcode, b"*" * size)]

    @pytest.mark.parametrize("opcode", [TEXT, BINARY])
    def test_1_1_8_and_1_2_8_in_chops_of_997_bytes(self, opcode: Opcode) -> None:
        data = client_frame(opcode, b"*" * 65536)
        assert parse(*(data[at : at + 997] for at in range(0, len(data), 997))) == [(opcode, b"*" * 65536)]


class TestGroup2PingsAndPongs:
    @pytest.mark.parametrize("payload", [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125])
    def test_2_1_to_2_4_a_ping_of_any_payload(self, payload: bytes) -> None:
        assert parse(client_frame(PING, payload)) == [(PING, payload)]

    def test_2_5_a_ping_of_126_bytes_fails(self) -> None:
        assert parse_until_error(client_frame(PING, b"\xfe" * 126)) == ([], PROTOCOL_ERROR)

    def test_2_6_a_ping_in_single_bytes(self) -> None:
        assert parse(*by_the_byte(client_frame(PING, b"\xfe" * 125))) == [(PING, b"\xfe" * 125)]

    def test_2_7_to_2_9_a_pong_nobody_asked_for_is_no_error(self) -> None:
        assert parse(client_frame(PONG), client_frame(PONG, b"unsolicited"), client_frame(PING, b"x")) == [
            (PONG, b""),
            (PONG, b"unsolicited"),
            (PING, b"x"),
        ]

    def test_2_10_and_2_11_ten_pings_at_once_or_in_single_bytes(self) -> None:
        data = b"".join(client_frame(PING, b"payload-%d" % n) for n in range(10))
        expected = [(PING, b"payload-%d" % n) for n in range(10)]
        assert parse(data) == expected
        assert parse(*by_the_byte(data)) == expected


class TestGroup3ReservedBits:
    @pytest.mark.parametrize("reserved", range(1, 8))
    @pytest.mark.parametrize("opcode", list(Opcode))
    def test_3_1_to_3_7_each_combination_fails_on_each_opcode(self, reserved: int, opcode: Opcode) -> None:
        before = text(b"Hello, world!")
        broken = client_frame(opcode, b"x" * 2, reserved=reserved)
        assert parse_until_error(before + broken + client_frame(PING)) == ([(TEXT, b"Hello, world!")], PROTOCOL_ERROR)
        assert parse_until_error(*by_the_byte(before + broken)) == ([(TEXT, b"Hello, world!")], PROTOCOL_ERROR)


class TestGroup4ReservedOpcodes:
    @pytest.mark.parametrize("payload", [b"", b"reserved"])
    @pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    def test_4_1_and_4_2_each_fails(self, opcode: int, payload: bytes) -> None:
        data = text(b"Hello, world!") + client_frame(opcode, payload) + client_frame(PING)
        assert parse_until_error(data) == ([(TEXT, b"Hello, world!")], PROTOCOL_ERROR)
        assert parse_until_error(*by_the_byte(data)) == ([(TEXT, b"Hello, world!")], PROTOCOL_ERROR)


class TestGroup5Fragmentation:
    @pytest.mark.parametrize("opcode", [PING, PONG, Opcode.CLOSE])
    def test_5_1_and_5_2_a_fragmented_control_frame_fails(self, opcode: Opcode) -> None:
        assert parse_until_error(client_frame(opcode, b"fr", final=False) + more(b"ag")) == ([], PROTOCOL_ERROR)

    def test_5_3_to_5_5_two_fragments_in_one_write_in_two_and_in_single_bytes(self) -> None:
        parts = [text(b"frag1", final=False), more(b"frag2")]
        for pieces in ([b"".join(parts)], parts, by_the_byte(b"".join(parts))):
            assert parse(*pieces) == [(TEXT, b"frag1frag2")]

    def test_5_6_to_5_8_a_ping_between_fragments(self) -> None:
        parts = [text(b"frag1", final=False), client_frame(PING, b"ping"), more(b"frag2")]
        for pieces in ([b"".join(parts)], parts, by_the_byte(b"".join(parts))):
            assert parse(*pieces) == [(PING, b"ping"), (TEXT, b"frag1frag2")]

    @pytest.mark.parametrize("final", [True, False])
    def test_5_9_to_5_14_a_continuation_of_nothing_fails(self, final: bool) -> None:
        data = more(b"non-continuation payload", final=final) + text(b"Hello, world!")
        assert parse_until_error(data) == ([], PROTOCOL_ERROR)
        assert parse_until_error(*by_the_byte(data)) == ([], PROTOCOL_ERROR)

    def test_5_15_a_continuation_after_the_end_of_a_message_fails(self) -> None:
        data = text(b"f1", final=False) + more(b"f2") + more(b"f3", final=False) + text(b"f4")
        assert parse_until_error(data) == ([(TEXT, b"f1f2")], PROTOCOL_ERROR)

    @pytest.mark.parametrize("final", [True, False])
    def test_5_16_and_5_17_continuations_first_and_again_fail(self, final: bool) -> None:
        data = more(b"f1", final=final) + text(b"f2", final=False) + more(b"f3")
        assert parse_until_error(data) == ([], PROTOCOL_ERROR)

    @pytest.mark.parametrize("opcode", [TEXT, BINARY])
    @pytest.mark.parametrize("final", [True, False])
    def test_5_18_a_new_message_within_a_message_fails(self, opcode: Opcode, final: bool) -> None:
        data = text(b"fragment1", final=False) + client_frame(opcode, b"fragment2", final=final)
        assert parse_until_error(data) == ([], PROTOCOL_ERROR)

    def test_5_19_and_5_20_pings_between_five_fragments(self) -> None:
        data = (
            text(b"1", final=False)
            + more(b"2", final=False)
            + client_frame(PING, b"a")
            + more(b"3", final=False)
            + more(b"4", final=False)
            + client_frame(PING, b"b")
            + more(b"5")
        )
        expected = [(PING, b"a"), (PING, b"b"), (TEXT, b"12345")]
        assert parse(data) == expected
        assert parse(*by_the_byte(data)) == expected

    def test_a_close_between_fragments_ends_it(self) -> None:
        assert parse(text(b"frag", final=False) + close(1000) + more(b"ment")) == [(Opcode.CLOSE, b"\x03\xe8")]


class TestGroup7Closing:
    def test_7_1_1_a_message_then_close(self) -> None:
        assert parse(text(b"Hello World!"), close(1000)) == [(TEXT, b"Hello World!"), (Opcode.CLOSE, b"\x03\xe8")]

    @pytest.mark.parametrize("after", [close(1000), client_frame(PING), text(b"x"), b"\xff\xff\xff"])
    def test_7_1_2_to_7_1_5_nothing_is_read_after_a_close(self, after: bytes) -> None:
        assert parse(close(1000) + after, after) == [(Opcode.CLOSE, b"\x03\xe8")]

    def test_7_3_1_a_close_without_a_payload(self) -> None:
        assert parse(close()) == [(Opcode.CLOSE, b"")]

    def test_7_3_2_a_payload_of_one_byte_fails(self) -> None:
        assert parse_until_error(client_frame(Opcode.CLOSE, b"a")) == ([], PROTOCOL_ERROR)

    @pytest.mark.parametrize("reason", [b"", b"Hello World!", b"*" * 123])
    def test_7_3_3_to_7_3_5_a_code_and_a_reason(self, reason: bytes) -> None:
        assert parse(close(1000, reason)) == [(Opcode.CLOSE, b"\x03\xe8" + reason)]

    def test_7_3_6_a_reason_of_124_bytes_fails(self) -> None:
        assert parse_until_error(close(1000, b"*" * 124)) == ([], PROTOCOL_ERROR)

    def test_7_5_1_a_reason_that_is_not_utf_8_fails(self) -> None:
        assert parse_until_error(close(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited")) == ([], INVALID_TEXT)

    @pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999])
    def test_7_7_valid_codes(self, code: int) -> None:
        assert parse(close(code)) == [(Opcode.CLOSE, code.to_bytes(2, "big"))]

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
    def test_7_9_and_7_13_invalid_codes_fail(self, code: int) -> None:
        assert parse_until_error(close(code)) == ([], PROTOCOL_ERROR)


class TestGroup10Misc:
    def test_10_1_1_65536_bytes_in_fragments_of_1300(self) -> None:
        payload = b"*" * 65536
        chunks = [payload[at : at + 1300] for at in range(0, len(payload), 1300)]
        frames = [text(chunks[0], final=False), *(more(chunk, final=False) for chunk in chunks[1:-1]), more(chunks[-1])]
        assert parse(*frames) == [(TEXT, payload)]
        assert parse(b"".join(frames)) == [(TEXT, payload)]


class TestBeyondAutobahn:
    """Autobahn is a client of its own and cannot send these."""

    @pytest.mark.parametrize("opcode", list(Opcode))
    def test_an_unmasked_frame_fails(self, opcode: Opcode) -> None:
        assert parse_until_error(client_frame(opcode, b"", mask=None)) == ([], PROTOCOL_ERROR)

    @pytest.mark.parametrize(("size", "length_bytes"), [(0, 2), (125, 2), (0, 8), (126, 8), (65535, 8)])
    def test_a_length_in_more_bytes_than_needed_fails(self, size: int, length_bytes: int) -> None:
        assert parse_until_error(client_frame(TEXT, b"x" * size, length_bytes=length_bytes)) == ([], PROTOCOL_ERROR)

    def test_a_length_with_its_highest_bit_set_fails(self) -> None:
        assert parse_until_error(b"\x81\xff\x80" + b"\x00" * 7) == ([], PROTOCOL_ERROR)

    def test_a_message_at_the_limit_passes_and_one_byte_more_fails(self) -> None:
        assert parse(text(b"x" * 65536)) == [(TEXT, b"x" * 65536)]
        assert parse_until_error(text(b"x" * 65537)) == ([], TOO_BIG)

    def test_a_message_too_big_fails_by_its_header_before_its_payload_came(self) -> None:
        assert parse_until_error(text(b"x" * 65537)[:14]) == ([], TOO_BIG)

    def test_the_limit_counts_all_fragments_of_a_message_and_no_control_frame(self) -> None:
        at_limit = [text(b"x" * 60, final=False), client_frame(PING, b"p" * 100), more(b"x" * 40)]
        assert parse(*at_limit, limit=100) == [(PING, b"p" * 100), (TEXT, b"x" * 100)]
        assert parse_until_error(text(b"x" * 60, final=False), more(b"x" * 41), limit=100) == ([], TOO_BIG)

    def test_the_limit_begins_anew_with_each_message(self) -> None:
        assert len(parse(*[text(b"x" * 100)] * 5, limit=100)) == 5
