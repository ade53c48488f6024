"""What the server says of itself waits for a slow reader, and is never why that one is cut off."""

from gateway.websocket.frames import Opcode, text_frame
from gateway.websocket.limits import Limits
from gateway.websocket.pacing import MOST_OWN_BYTES
from tests.integration.websocket.site import RawClient, Site
from tests.support.waiting import eventually
from tests.unit.websocket.client_frames import close

OUTBOX = 64 * 1024
PIECE = text_frame(b"x" * 60_000)


async def slow_client(site: Site) -> RawClient:
    site.limits = Limits(outbox_bytes=OUTBOX, close_seconds=30)
    return await RawClient.upgraded(site, receive_buffer=4096)


def fill(site: Site) -> None:
    """Until the kernel takes no more, and some waits in the process."""
    while not site.connection._transport.get_write_buffer_size():
        site.connection.send_own(PIECE)


async def test_own_frames_do_not_count_against_what_others_cause(any_site: Site) -> None:
    client = await slow_client(any_site)
    fill(any_site)
    for _ in range(20):
        any_site.connection.send_own(PIECE)  # 1.2 MB, far above the outbox
    for number in range(50):
        any_site.connection.send(text_frame(b"event %d" % number))

    assert any_site.connection.is_open
    seen = []
    while b"event 49" not in seen:
        seen.append((await client.read_frame())[1])
    own = len(PIECE) - 4
    assert [one for one in seen if len(one) != own] == [b"event %d" % number for number in range(50)]
    assert len(seen[-51]) == own, "events came before what was sent before them"
    assert await client.echoes(b"still here")


async def test_a_slow_reader_is_still_cut_off_for_what_others_cause(any_site: Site) -> None:
    client = await slow_client(any_site)
    fill(any_site)
    for _ in range(1 + OUTBOX // len(PIECE) + 1):
        any_site.connection.send(PIECE)

    assert not any_site.connection.is_open
    assert await client.read_close() == (1013, "reads too slowly")
    client.write(close(1013))
    await eventually(lambda: any_site.listener.closed == [1013])


async def test_what_may_come_later_is_written_as_the_socket_drains(any_site: Site) -> None:
    client = await slow_client(any_site)
    pieces = [text_frame(b"%03d" % number + b"x" * 50_000) for number in range(40)]
    for piece in pieces:
        any_site.connection.send_when_drained(piece)
    assert any_site.connection._transport.get_write_buffer_size() < 2 * len(pieces[0]), "2 MB wait in the transport"

    any_site.connection.send(text_frame(b"event"))  # is not held up by them
    seen = [(await client.read_frame())[1] for _ in range(41)]
    assert seen.index(b"event") < 40
    assert [one[:3] for one in seen if one != b"event"] == [b"%03d" % number for number in range(40)]


async def test_once_all_is_taken_the_outbox_is_as_it_was(any_site: Site) -> None:
    client = await slow_client(any_site)
    fill(any_site)
    any_site.connection.send_when_drained(text_frame(b"last"))
    while (await client.read_frame()) != (Opcode.TEXT, b"last"):
        pass

    assert any_site.connection._pacing is None
    assert any_site.connection._out is any_site.connection._transport


async def test_who_takes_nothing_of_four_megabytes_is_to_come_again(any_site: Site) -> None:
    client = await slow_client(any_site)
    sent = 0
    while any_site.connection.is_open:
        any_site.connection.send_own(PIECE)
        sent += len(PIECE)

    assert sent > MOST_OWN_BYTES
    assert (await client.read_close())[0] == 1012
