"""How a connection ends, where a real socket cannot show it."""

import pytest

from gateway.websocket.connection import Connection
from gateway.websocket.limits import Limits
from tests.unit.websocket.client_frames import close, text
from tests.unit.websocket.recording import SilentOwner, recorded


class Strict(SilentOwner):
    """Refuses at the first text."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.closed: list[int] = []

    def on_text(self, connection: Connection, data: bytes) -> None:
        self.texts.append(data)
        connection.fail(4429)

    def on_closed(self, connection: Connection, code: int) -> None:
        self.closed.append(code)


async def test_what_came_with_or_after_a_refused_message_is_not_even_read() -> None:
    owner = Strict()
    connection, transport = recorded(owner=owner)
    connection.data_received(text(b"refused") + text(b"unheard") + close(1000))
    connection.data_received(close(1000))
    assert owner.texts == [b"refused"]
    assert transport.closings == 0, "its close frame would have ended the connection"


async def test_the_end_is_told_once_whatever_the_transport_says() -> None:
    owner = Strict()
    connection, _ = recorded(owner=owner)
    connection.connection_lost(None)
    connection.connection_lost(ConnectionResetError())
    assert owner.closed == [1006]


async def test_a_connection_that_ended_leaves_no_timer_and_holds_neither_owner_nor_transport() -> None:
    connection, _ = recorded()
    connection.close(1000)
    ending = connection._ending
    assert ending is not None
    connection.connection_lost(None)
    assert ending.deadline.cancelled()
    assert not hasattr(connection, "_owner")
    assert not hasattr(connection, "_transport")


def test_an_open_connection_has_no_dictionary_and_no_timer() -> None:
    connection, _ = recorded()
    assert not hasattr(connection, "__dict__")
    assert connection._ending is None


def test_a_limit_below_what_is_read_in_one_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="message_bytes"):
        Limits(message_bytes=124)
