"""Frames of the server's own, such as the heads of 20,000 conversations, are never why a client "reads too slowly".

What is sent because others act (messages, receipts, typing) is bounded by the outbox. What the server says of itself is
either counted apart, where its place among the others matters, or waits until the socket has taken all there was.
"""

from asyncio import Transport
from collections import deque
from collections.abc import Callable
from typing import Final

SMALL: Final = 4096
"""A frame of the server's own up to this size is not counted apart where nothing waits before it."""
MOST_OWN_BYTES: Final = 4 * 1024 * 1024
"""Counted apart and not taken by the client: then it is to come again (1012), and learns the same by sync."""


class Pacing:
    """Stands in the place of a connection's transport while frames of the server's own wait, so that any other time
    costs nothing. `on_overload` and `on_too_much` are called at most once each, `on_done` when all was taken.

    Race: `write` and the drain of the transport both belong to the loop's thread; what is written is counted first.
    """

    __slots__ = ("_later", "_most", "_on_done", "_on_overload", "_on_too_much", "_own", "_transport")

    def __init__(
        self,
        transport: Transport,
        most: int,
        *,
        on_overload: Callable[[], None],
        on_too_much: Callable[[], None],
        on_done: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._most = most
        self._own = 0  # bytes of own frames that were written since nothing waited
        self._later: deque[bytes] = deque()
        self._on_overload = on_overload
        self._on_too_much = on_too_much
        self._on_done = on_done

    def write(self, data: bytes, /) -> None:
        """What others caused: it counts against the outbox."""
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._most + self._own:
            self._on_overload()

    def write_own(self, frames: bytes) -> None:
        """At once, in its place among the others."""
        self._own += len(frames)
        self._transport.write(frames)
        if self._own > MOST_OWN_BYTES:
            self._on_too_much()

    def write_when_drained(self, frame: bytes) -> None:
        self._later.append(frame)

    def go_on(self) -> None:
        """Writes what waits, one by one, while the socket takes all of it."""
        while not self._transport.get_write_buffer_size():
            self._own = 0
            if not self._later:
                self._on_done()
                return
            self.write_own(self._later.popleft())
