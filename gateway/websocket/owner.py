"""Who hears what happens on a connection."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.websocket.connection import Connection


class Owner(Protocol):
    """Hears what happens on a connection. Nothing here is awaited; one owner may serve any number of connections."""

    def on_text(self, connection: "Connection", data: bytes) -> None:
        """A whole message, valid UTF-8."""

    def on_binary(self, connection: "Connection", data: bytes) -> None:
        """A whole message that is not empty. The connection stays open."""

    def on_excess(self, connection: "Connection", data: bytes) -> None:
        """A whole message, text or binary, beyond the limit of frames: not to be acted upon. The connection stays."""

    def on_alive(self, connection: "Connection") -> None:
        """A frame that says no more than that the client lives: a pong, a ping, or React Native's empty binary."""

    def on_closed(self, connection: "Connection", code: int) -> None:
        """The socket is gone: the last call, made exactly once, never from within `send`, `close` or `abort`.

        `code` is that of whoever closed first: ours, the client's (1005 without one), or 1006 if nobody said so.
        """
