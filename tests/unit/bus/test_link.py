"""The protocol of one link, byte by byte: what Redis may say, in which order, and what the owner then hears."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext

import pytest

from gateway.bus.link import RedisLink, encode

SUBSCRIBED = b"*3\r\n$10\r\nssubscribe\r\n$%d\r\n%s\r\n:1\r\n"
UNSUBSCRIBED = b"*3\r\n$12\r\nsunsubscribe\r\n$%d\r\n%s\r\n:0\r\n"
MESSAGE = b"*3\r\n$8\r\nsmessage\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"


def subscribed(channel: bytes) -> bytes:
    return SUBSCRIBED % (len(channel), channel)


def unsubscribed(channel: bytes) -> bytes:
    return UNSUBSCRIBED % (len(channel), channel)


def message(channel: bytes, payload: bytes) -> bytes:
    return MESSAGE % (len(channel), channel, len(payload), payload)


class Wire(asyncio.Transport):
    """What the link wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written = list[bytes]()
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Owner:
    """What the link told."""

    def __init__(self) -> None:
        self.heard = list[tuple[object, ...]]()

    def link_confirmed(self, channel: bytes) -> None:
        self.heard.append(("confirmed", channel))

    def link_refused(self, channels: Sequence[bytes], error: str) -> None:
        self.heard.append(("refused", *channels, error))

    def link_revoked(self, channel: bytes) -> None:
        self.heard.append(("revoked", channel))

    def link_probed(self, payload: bytes) -> None:
        self.heard.append(("probed", payload))

    def link_down(self, reason: str) -> None:
        self.heard.append(("down",))

    def on_message(self, channel: bytes, payload: bytes) -> None:
        self.heard.append((channel, payload))


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def link(owner: Owner, wire: Wire) -> RedisLink:
    link = RedisLink(owner, owner.on_message, b"probe", nullcontext())
    link.connection_made(wire)
    return link


def test_all_commands_of_one_change_leave_in_one_write(link: RedisLink, wire: Wire) -> None:
    link.change([[b"a", b"b"]], [[b"c"]])

    assert wire.written == [encode(b"ssubscribe", b"a", b"b") + encode(b"sunsubscribe", b"c")]


def test_messages_are_the_same_wherever_the_bytes_are_split(link: RedisLink, owner: Owner) -> None:
    stream = message(b"a", b"one\r\n") + message(b"probe", b"7") + message(b"b", b"")
    for end in range(1, len(stream)):
        owner.heard.clear()
        link.data_received(stream[:end])
        link.data_received(stream[end:])
        assert owner.heard == [(b"a", b"one\r\n"), ("probed", b"7"), (b"b", b"")]


def test_each_channel_of_a_command_is_confirmed_by_itself(link: RedisLink, owner: Owner) -> None:
    link.change([[b"a", b"b"]], [])
    link.data_received(subscribed(b"a"))

    assert (link.settled(b"a"), link.settled(b"b")) == (True, False)
    link.data_received(subscribed(b"b"))
    assert owner.heard == [("confirmed", b"a"), ("confirmed", b"b")]


def test_only_the_answer_to_the_last_command_confirms(link: RedisLink, owner: Owner) -> None:
    """Between the first answer and the last the channel is unsubscribed for a moment: an event may fall into it."""
    link.change([[b"a"]], [])
    link.change([], [[b"a"]])
    link.change([[b"a"]], [])

    link.data_received(subscribed(b"a"))
    link.data_received(unsubscribed(b"a"))
    assert owner.heard == []
    assert not link.settled(b"a")
    link.data_received(subscribed(b"a"))
    assert owner.heard == [("confirmed", b"a")]
    assert link.settled(b"a")


def test_an_error_refuses_the_channels_of_its_own_command(link: RedisLink, owner: Owner) -> None:
    link.change([[b"a", b"b"], [b"c"]], [])
    link.data_received(b"-MOVED 42 10.0.0.1:7000\r\n" + subscribed(b"c"))

    assert owner.heard == [("refused", b"a", b"b", "MOVED 42 10.0.0.1:7000"), ("confirmed", b"c")]


def test_an_unsubscribe_that_nobody_asked_for_revokes(link: RedisLink, owner: Owner) -> None:
    link.change([[b"a"]], [])
    link.data_received(subscribed(b"a") + unsubscribed(b"a"))

    assert owner.heard == [("confirmed", b"a"), ("revoked", b"a")]


@pytest.mark.parametrize(
    "nonsense",
    [b"!what\r\n", b"+OK\r\n", b"-ERR nobody asked\r\n", b":1\r\n", subscribed(b"z"), b"$-1\r\n"],
)
def test_whatever_does_not_fit_ends_the_link(link: RedisLink, owner: Owner, wire: Wire, nonsense: bytes) -> None:
    link.data_received(nonsense + message(b"a", b"after"))

    assert wire.aborted
    assert owner.heard == [("down",)]


def test_an_ended_link_delivers_nothing_more_and_is_down_once(link: RedisLink, owner: Owner) -> None:
    link.end("for a test")
    link.data_received(message(b"a", b"late"))
    link.connection_lost(None)

    assert owner.heard == [("down",)]


def test_nothing_is_written_on_a_connection_that_is_closing(link: RedisLink, wire: Wire) -> None:
    """uvloop raises where asyncio only logs."""
    wire.aborted = True
    link.change([[b"a"]], [])

    assert wire.written == []
    assert not link.settled(b"a")


def test_the_messages_of_one_read_are_handed_over_inside_its_context(owner: Owner) -> None:
    class Reading:
        """Entered again and again."""

        def __enter__(self) -> None:
            owner.heard.append(("begun",))

        def __exit__(self, *_: object) -> None:
            owner.heard.append(("over",))

    link = RedisLink(owner, owner.on_message, b"probe", Reading())
    link.data_received(message(b"a", b"one") + message(b"b", b"two"))
    link.data_received(message(b"a", b"three"))

    first = [("begun",), (b"a", b"one"), (b"b", b"two"), ("over",)]
    assert owner.heard == [*first, ("begun",), (b"a", b"three"), ("over",)]
