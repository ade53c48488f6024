import asyncio
import socket

import pytest

from gateway.websocket.frames import Opcode, close_frame, text_frame
from gateway.websocket.limits import Limits
from tests.integration.websocket.site import RawClient, Site
from tests.support.waiting import eventually
from tests.unit.websocket.client_frames import client_frame, close, more, text


async def test_a_text_is_heard_and_answered(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    for payload in (b"", b"hello", "κόσμε".encode(), b"x" * 126, b"x" * 65536):
        assert await client.echoes(payload)


async def test_a_fragmented_text_in_single_writes_is_heard_whole(site: Site) -> None:
    client = await RawClient.upgraded(site)
    for piece in (text(b"frag", final=False)[:3], text(b"frag", final=False)[3:], more(b"ment")):
        client.write(piece)
        await client.writer.drain()
        await asyncio.sleep(0.01)
    assert await client.read_frame() == (Opcode.TEXT, b"fragment")
    assert await client.echoes(b"and on")


async def test_a_ping_is_answered_with_its_payload_also_between_fragments(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    client.write(text(b"frag", final=False) + client_frame(Opcode.PING, b"are you there") + more(b"ment"))
    assert await client.read_frame() == (Opcode.PONG, b"are you there")
    assert await client.read_frame() == (Opcode.TEXT, b"fragment")
    assert any_site.listener.alive == 1


async def test_an_empty_binary_is_react_natives_ping_and_no_message(site: Site) -> None:
    client = await RawClient.upgraded(site)
    client.write(client_frame(Opcode.BINARY) + client_frame(Opcode.PONG))
    assert await client.echoes(b"still here")
    assert (site.listener.alive, site.listener.binaries) == (2, [])


async def test_another_binary_is_handed_to_the_owner_and_the_connection_stays(site: Site) -> None:
    client = await RawClient.upgraded(site)
    client.write(client_frame(Opcode.BINARY, b"\x00\xff"))
    assert await client.echoes(b"still here")
    assert site.listener.binaries == [b"\x00\xff"]


BROKEN = {
    "unmasked": (client_frame(Opcode.TEXT, b"hello", mask=None), 1002),
    "reserved bit": (client_frame(Opcode.TEXT, b"hello", reserved=4), 1002),
    "reserved opcode": (client_frame(3), 1002),
    "fragment of nothing": (more(b"x"), 1002),
    "close code 1005": (close(1005), 1002),
    "not UTF-8": (text(b"\xff"), 1007),
    "not UTF-8 in a small frame behind a good one": (text(b"good") + text(b"\xff"), 1007),
    "too big": (text(b"x" * 65537), 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_who_breaks_the_protocol_is_told_the_code_and_loses_the_connection(
    any_site: Site, data: bytes, code: int
) -> None:
    client = await RawClient.upgraded(any_site)
    client.write(data)
    assert (await client.read_close())[0] == code
    client.writer.close()
    await eventually(lambda: any_site.listener.closed == [code])


async def test_the_output_ends_behind_the_close_frame_of_a_protocol_error(site: Site) -> None:
    site.limits = Limits(close_seconds=60)
    client = await RawClient.upgraded(site)
    client.write(client_frame(3))
    await client.read_close()
    assert await client.reader.read() == b""


async def test_a_client_still_sending_what_is_too_big_gets_the_code_and_no_reset(any_site: Site) -> None:
    any_site.limits = Limits(close_seconds=5)
    client = await RawClient.upgraded(any_site)
    client.write(client_frame(Opcode.BINARY, b"x" * 5_000_000))
    assert (await client.read_close())[0] == 1009
    await client.writer.drain()
    client.writer.close()
    await eventually(lambda: any_site.listener.closed == [1009])


async def test_who_goes_on_after_a_protocol_error_is_not_heard_and_dropped_at_the_deadline(site: Site) -> None:
    client = await RawClient.upgraded(site)
    client.write(client_frame(3) + text(b"not heard"))
    await client.read_close()
    client.write(text(b"not heard either"))
    await eventually(lambda: site.listener.closed == [1002])
    assert site.listener.texts == []


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_clients_close_is_answered_with_its_code_and_the_server_ends_the_connection(
    any_site: Site, code: int
) -> None:
    client = await RawClient.upgraded(any_site)
    client.write(text(b"last words") + close(code, b"bye") + text(b"after the end"))
    assert await client.read_frame() == (Opcode.TEXT, b"last words")
    assert await client.read_close() == (code, "")
    assert await client.reader.read() == b""
    await eventually(lambda: any_site.listener.closed == [code])
    assert any_site.listener.texts == [b"last words"]


async def test_a_close_without_a_code_is_answered_alike_and_reported_as_1005(site: Site) -> None:
    client = await RawClient.upgraded(site)
    client.write(close())
    assert await client.read_close() == (None, "")
    await eventually(lambda: site.listener.closed == [1005])


async def test_a_refusal_is_a_text_and_a_close_code_that_a_phone_can_read(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    any_site.connection.send(text_frame(b'{"type":"error"}'))
    any_site.connection.close(4401, "token expired")
    assert await client.read_frame() == (Opcode.TEXT, b'{"type":"error"}')
    assert await client.read_close() == (4401, "token expired")
    client.write(close(4401))
    assert await client.reader.read() == b""
    await eventually(lambda: any_site.listener.closed == [4401])


async def test_after_a_close_nothing_is_sent_and_nothing_heard(site: Site) -> None:
    client = await RawClient.upgraded(site)
    site.connection.close(1012)
    assert not site.connection.is_open
    site.connection.send(text_frame(b"too late"))
    site.connection.close(1000)
    client.write(text(b"too late as well") + client_frame(Opcode.PING))
    assert await client.read_close() == (1012, "")
    client.write(close(1012))
    assert await client.reader.read() == b""
    await eventually(lambda: site.listener.closed == [1012])
    assert site.listener.texts == []


async def test_a_protocol_error_instead_of_the_answer_to_our_close_ends_it(site: Site) -> None:
    site.limits = Limits(close_seconds=60)
    client = await RawClient.upgraded(site)
    site.connection.close(1012)
    client.write(client_frame(3))
    await eventually(lambda: site.listener.closed == [1012])


async def test_who_does_not_answer_a_close_is_dropped_at_the_deadline(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    any_site.connection.close(4503)
    await eventually(lambda: any_site.listener.closed == [4503])
    assert (await client.read_close())[0] == 4503


async def test_refusing_reads_nothing_more_of_a_client_that_floods(site: Site) -> None:
    client = await RawClient.upgraded(site)
    site.connection.fail(4429, "too many frames")
    client.write(text(b"flood") * 1000)
    assert await client.read_close() == (4429, "too many frames")
    await eventually(lambda: site.listener.closed == [4429])
    assert site.listener.texts == []


async def test_a_reset_in_the_middle_of_a_message_is_reported_once_as_1006(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    client.write(text(b"x" * 1000)[:500])
    await client.writer.drain()
    raw: socket.socket = client.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.reset()
    for _ in range(100):
        any_site.connection.send(text_frame(b"x" * 1000))
        await asyncio.sleep(0)
    await eventually(lambda: any_site.listener.closed == [1006])


async def test_an_abort_drops_the_socket_and_is_reported_once(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    connection = any_site.connection
    connection.abort()
    assert any_site.listener.closed == [], "never from within abort"
    connection.abort()
    connection.send(text_frame(b"x"))
    connection.close(1000)
    connection.fail(1002)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await client.read_frame()
    await eventually(lambda: any_site.listener.closed == [1006])


async def test_an_end_of_input_without_a_close_frame_is_reported_as_1006(any_site: Site) -> None:
    client = await RawClient.upgraded(any_site)
    client.writer.close()
    await eventually(lambda: any_site.listener.closed == [1006])


async def test_who_ends_its_input_and_never_reads_is_dropped_at_the_deadline(site: Site) -> None:
    client = await stalled(site)
    client.writer.write_eof()
    await eventually(lambda: site.listener.closed == [1006])


FRAME = text_frame(b"x" * 10_000)


def waiting_bytes(site: Site) -> int:
    transport = site.connection._transport
    return transport.get_write_buffer_size()


async def stalled(site: Site) -> RawClient:
    """A client that has stopped reading, as soon as something waits for it in this process."""
    client = await RawClient.upgraded(site, receive_buffer=16_384)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while waiting_bytes(site) < 3 * len(FRAME):
        site.connection.send(FRAME)
        await asyncio.sleep(0)
    return client


async def test_the_kernel_hides_little_of_what_a_stalled_client_does_not_read(site: Site) -> None:
    client = await RawClient.upgraded(site, receive_buffer=16_384)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    sent = 0
    while waiting_bytes(site) == 0:
        site.connection.send(FRAME)
        sent += len(FRAME)
        await asyncio.sleep(0)
    assert sent < 400_000, "unlimited, the kernel takes megabytes"


async def test_a_reader_too_slow_is_closed_with_1013_at_a_bounded_outbox(any_site: Site) -> None:
    any_site.limits = Limits(outbox_bytes=100_000, close_seconds=0.3)
    client = await stalled(any_site)
    sent = 0
    while any_site.connection.is_open:
        any_site.connection.send(FRAME)
        sent += len(FRAME)
        assert sent < 1_000_000
    peak = waiting_bytes(any_site)
    for _ in range(1000):
        any_site.connection.send(FRAME)
    assert waiting_bytes(any_site) == peak < 100_000 + 2 * len(FRAME) + 20_000
    await eventually(lambda: any_site.listener.closed == [1013])
    client.reset()


async def test_a_slow_reader_that_wakes_in_time_gets_all_that_waited_and_then_1013(any_site: Site) -> None:
    any_site.limits = Limits(outbox_bytes=100_000, close_seconds=10)
    client = await stalled(any_site)
    while any_site.connection.is_open:
        any_site.connection.send(FRAME)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert await client.read_close() == (1013, "reads too slowly")
    client.write(close(1013))
    await eventually(lambda: any_site.listener.closed == [1013])


async def test_a_reader_that_keeps_up_is_never_slow_however_much_it_gets(any_site: Site) -> None:
    any_site.limits = Limits(outbox_bytes=100_000)
    client = await RawClient.upgraded(any_site)
    for _ in range(300):
        any_site.connection.send(FRAME)
        assert await client.read_frame() == (Opcode.TEXT, FRAME[4:])
    assert any_site.connection.is_open


async def test_the_close_frame_of_a_refusal_that_overfills_the_outbox_is_the_only_one(site: Site) -> None:
    site.limits = Limits(outbox_bytes=50_000, close_seconds=10)
    client = await stalled(site)
    while waiting_bytes(site) < 50_000:
        site.connection.send(b"\x81\x00")
    site.connection.fail(1002, "broken")
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert await client.read_close() == (1002, "broken")
    assert await client.reader.read() == b""


async def test_an_idle_connection_keeps_nothing_of_what_it_read(site: Site) -> None:
    client = await RawClient.upgraded(site)
    client.write(text(b"x" * 1000, final=False))
    await eventually(lambda: site.connection._parser is not None)
    client.write(more(b"y"))
    await client.read_frame()
    assert site.connection._parser is None


async def test_joined_frames_arrive_one_by_one(site: Site) -> None:
    client = await RawClient.upgraded(site)
    site.connection.send(text_frame(b"one") + text_frame(b"two") + close_frame(1000))
    assert [await client.read_frame() for _ in range(3)] == [(1, b"one"), (1, b"two"), (8, b"\x03\xe8")]
