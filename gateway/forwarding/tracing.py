"""The gateway's part of a trace: from Redis to the last socket write of an event that is traced."""

import asyncio
from typing import Final

from gateway.state.room import Room
from gateway.websocket.fanout import Fanout
from shared.tracing import DELIVER, Span, Tracing
from shared.wire import PREFIX_BYTES, unpack_prefix

MOST: Final = 1000
"""DeliveryTracing of events that did not come yet: Redis may lose one whose span it brought."""
_LOOK_AGAIN_SECONDS: Final = 0.005


class DeliveryTracing:
    """`begun` is empty unless a traced event is on its way: all that an event without a trace costs is that look."""

    def __init__(self, tracing: Tracing, fanout: Fanout) -> None:
        self.begun: dict[tuple[bytes, int], Span] = {}
        self._tracing = tracing
        self._fanout = fanout

    def begin(self, room: Room, envelope: bytes) -> None:
        """A SPAN from Redis: its event follows, unless the room has it already."""
        _, _, _, seq, _, _, _ = unpack_prefix(envelope)
        if seq <= room.forwarded:
            return
        span = self._tracing.step(DELIVER, envelope[PREFIX_BYTES:])
        if span is None:
            return
        if len(self.begun) >= MOST:
            del self.begun[next(iter(self.begun))]
        self.begun[room.channel, seq] = span

    def forwarded(self, room: Room, seq: int, frame: bytes) -> None:
        """The event was queued as `frame`."""
        span = self.begun.pop((room.channel, seq), None)
        if span is not None:
            # In the loop's next turn: behind the fan-out.
            asyncio.get_running_loop().call_soon(self._end, span, room, frame, seq)

    def _end(self, span: Span, room: Room, frame: bytes, seq: int) -> None:
        if self._fanout.holds(room, frame):
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_SECONDS, self._end, span, room, frame, seq)
            return
        span.end(
            {"parley.conversation_id": room.conversation_id, "parley.seq": seq, "parley.sockets": len(room.members)}
        )
