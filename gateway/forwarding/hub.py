"""The path of every event from Redis' bytes to the fan-out.

The hot path is `on_message`: per event it reads a prefix of fixed size, asks the room's order, makes one frame and
queues it once. Nothing is parsed, logged or allocated per member.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from time import monotonic
from typing import Final

from gateway.forwarding.discretion import Discretion
from gateway.forwarding.latest_receipts import LatestReceipts
from gateway.forwarding.registry import Registry
from gateway.forwarding.tracing import DeliveryTracing
from gateway.forwarding.uncounted import Uncounted
from gateway.state.room import Room
from gateway.state.session import Session
from gateway.state.user import NOTHING, User, user_channel
from gateway.stats import Stats
from gateway.websocket.connection import Connection
from gateway.websocket.fanout import Fanout
from gateway.websocket.frames import text_frame
from shared import frames
from shared.clock import now_us
from shared.wire import PREFIX_BYTES, VERSION, Kind, split_removed, unpack_prefix

_DURABLE: Final = int(Kind.DURABLE)
_REMOVED: Final = int(Kind.REMOVED)
_RECEIPT: Final = int(Kind.RECEIPT)
_SEQ: Final = slice(4, 12)
_COMMITTED: Final = slice(12, 20)
_SENDER: Final = slice(20, 36)
_SAMPLED: Final = 0xF
"""Durations are taken of one event in sixteen."""

OnEnvelope = Callable[[bytes], None]


class Hub(Registry):
    """The registry's rooms, and what they hear: `listen(channel, …)` says who hears of any other channel."""

    def __init__(self, fanout: Fanout, stats: Stats, tracing: DeliveryTracing) -> None:
        super().__init__()
        self.uncounted, self.discretion = Uncounted(self), Discretion(self)
        self.fanout = fanout
        self.stats = stats
        self.tracing = tracing
        self.latest_receipts = LatestReceipts()
        self._listeners: dict[bytes, OnEnvelope] = {}
        self._events = 0

    # --- the hot path -----------------------------------------------------------------------------------------------

    def on_message(self, channel: bytes, envelope: bytes) -> None:
        room = self.rooms.get(channel)
        if room is None:
            self._hear(channel, envelope)
        elif len(envelope) >= PREFIX_BYTES:
            self._receive(room, envelope)

    def _receive(self, room: Room, envelope: bytes) -> None:
        version, kind, _, seq, _, _, epoch = unpack_prefix(envelope)
        if (kind != _DURABLE and kind != _REMOVED) or version != VERSION:
            self._signal(room, version, kind, envelope)
            return
        if epoch != self.epoch:
            self.listener.on_other_epoch()
            return
        ready = room.accept(seq, envelope, monotonic())
        for event in ready:
            self._forward(room, event)
        if not ready and room.gap is not None:
            self.listener.on_gap(room)

    def _forward(self, room: Room, envelope: bytes) -> None:
        if envelope[3] or envelope[2]:  # flags: none on nearly all
            self.uncounted.forward(room, envelope)
        else:
            self.forward_message(room, envelope)

    def forward_message(self, room: Room, envelope: bytes) -> None:
        frame = text_frame(envelope[PREFIX_BYTES:])
        skip: Collection[Connection] = ()
        if room.legacy or room.newcomers or room.typists:
            skip = self._prepare(room, int.from_bytes(envelope[_SEQ], "big"), frame, envelope[_SENDER])
        room.tail = 0
        self._queue(room, envelope, frame, skip)

    def _queue(self, room: Room, envelope: bytes, frame: bytes, skip: Collection[Connection]) -> None:
        self.fanout.queue(room, frame, skip)
        self.stats.durable_sent += len(room.members)
        if self.tracing.begun:
            self.tracing.forwarded(room, int.from_bytes(envelope[_SEQ], "big"), frame)
        if self._events & _SAMPLED == 0:
            self._sample(int.from_bytes(envelope[_COMMITTED], "big"))
        self._events += 1

    # --- around it --------------------------------------------------------------------------------------------------

    def forward_all(self, room: Room, envelopes: Iterable[bytes]) -> None:
        """Events that the room's order released some other way than by a message."""
        for envelope in envelopes:
            self._forward(room, envelope)

    def queue_event(self, room: Room, envelope: bytes, frame: bytes, skip: Collection[Connection]) -> None:
        """An event that is no message, to all but those in `skip`; its author is not spared."""
        if room.newcomers:
            self._hold(room, int.from_bytes(envelope[_SEQ], "big"), frame, b"")
        self._queue(room, envelope, frame, skip)

    def send_to_room(self, room: Room, payload: bytes, kind: str, *, skip: bytes | None = None) -> None:
        """A frame that is no durable event, to everyone in the room but the user whose channel is `skip`."""
        frame = text_frame(payload)
        for newcomer in room.signal(frame, spares=lambda user: user == skip) if room.newcomers else ():
            newcomer.connection.send(frame)
        spared = self.users.get(skip) if skip is not None else None
        self.fanout.queue(room, frame, spared.connections() if spared is not None else ())
        self.stats.frames_sent[kind] += len(room.members)

    def send_receipt(self, room: Room, reader: bytes, status: int, seq: int, payload: bytes) -> None:
        """To everyone in the room, unless they have heard of a later one."""
        if self.latest_receipts.is_news(room.channel, reader, status, seq, monotonic()):
            self.discretion.send_receipt(room, status, payload)

    def release(self, session: Session, room: Room) -> None:
        """The session's held frames go out, after what it was told of the room; then it is a member like others."""
        # What waits in the fan-out was held for it too: it must not get that twice.
        self.fanout.flush(room)
        held = room.release(session)
        if held:
            session.connection.send(held)
            if not session.acks:
                self.listener.on_unconfirmed(room)

    def pause(self, session: Session, room: Room) -> None:
        """The session gets nothing of the room until `resume`; the room goes on."""
        if not session.is_paused_in(room):
            room.discard(session)
            self._paused[room] = self._paused.get(room, 0) + 1
            if session.paused is None:
                session.paused = set()
            session.paused.add(room)

    def resume(self, session: Session, room: Room) -> None:
        """Back from a pause, from the room's head on; no harm if there was none."""
        if session.is_paused_in(room):
            self.end_pause(session, room)
            room.enter(session)
            room.settle(session, room.head)
            self.release(session, room)

    def release_user(self, user: User) -> None:
        """Ends a user of whom no session is left."""
        if user.is_gone and self.users.pop(user.channel, None) is not None:
            self.uncounted.set_hidden(user, NOTHING)
            self.discretion.forget(user)
            self.listener.on_empty([user.channel])

    def listen(self, channel: bytes, listener: OnEnvelope) -> None:
        """Who hears of the envelopes on a channel that is no room's and no user's; subscribing it is a second step."""
        self._listeners[channel] = listener

    def begin(self, room: Room, head: int, counted: int | None = None) -> None:
        """A head of the room's log, read after its channel was confirmed: the room starts there, or learns of it.

        `counted` is the seq of its last message; None where the head is one, or nobody says.
        """
        if room.is_at(head):
            return
        if not room.started:
            room.tail = head - (head if counted is None else counted)
        self.forward_all(room, room.start(head, monotonic()))
        if room.gap is not None:
            self.listener.on_gap(room)

    def skip_to(self, room: Room, seq: int, counted: int | None = None) -> None:
        """Gives up what is missing up to `seq`, and tells everyone in the room to sync. `counted` as for `begin`."""
        if seq > room.forwarded:
            room.tail = seq - (seq if counted is None else counted)
        ready = room.skip_to(seq, monotonic())
        conversation_id = room.conversation_id
        self.send_to_room(room, frames.sync(conversation_id=conversation_id, last_seq=seq), "other")
        self.forward_all(room, ready)

    def restart(self, room: Room, head: int, counted: int | None = None) -> None:
        """The room begins anew, in another line of history. `counted` as for `begin`."""
        self.fanout.flush(room)
        room.restart()
        room.tail = head - (head if counted is None else counted)
        room.start(head, monotonic())
        self.send_to_room(room, frames.sync(conversation_id=room.conversation_id, last_seq=head), "other")

    def _prepare(self, room: Room, seq: int, frame: bytes, sender: bytes) -> Collection[Connection]:
        """What only some rooms need before an event goes out; gives the members who are not to get it."""
        author = user_channel(sender)
        if room.typists:
            self.listener.on_typist_spoke(room, author)
        if room.newcomers:
            self._hold(room, seq, frame, author)
        if not room.legacy:
            return ()
        self.listener.on_unconfirmed(room)
        user = self.users.get(author)
        # An older app would show its own message twice.
        return user.connections(acks=False) if user is not None else ()

    def _hold(self, room: Room, seq: int, frame: bytes, author: bytes) -> None:
        overtaken = room.overtaken(seq)
        if overtaken:
            self.fanout.flush(room)
            room.admit(overtaken)
        room.hold(seq, frame, author=author)

    def _hear(self, channel: bytes, envelope: bytes) -> None:
        if len(envelope) < PREFIX_BYTES or envelope[0] != VERSION:
            return
        user = self.users.get(channel)
        if not self.is_ours(envelope):
            if user is not None:  # or somebody who heard of a restore first
                self.listener.on_other_epoch()
        elif user is not None:
            self.listener.on_user_envelope(user, envelope)
        elif channel in self._listeners:
            self._listeners[channel](envelope)

    def _signal(self, room: Room, version: int, kind: int, envelope: bytes) -> None:
        if version != VERSION or not self.is_ours(envelope):
            return
        if kind == _RECEIPT:
            _, _, status, seq, _, reader, _ = unpack_prefix(envelope)
            self.send_receipt(room, reader, status, seq, envelope[PREFIX_BYTES:])
        elif kind in (Kind.TYPING_START, Kind.TYPING_STOP):
            self.listener.on_room_signal(room, kind, envelope)
        elif kind == Kind.EVENT:
            self.send_to_room(room, envelope[PREFIX_BYTES:], "event")
        elif kind == Kind.WITHDRAWN:
            self.listener.on_withdrawn(room, split_removed(envelope)[0])
        elif kind == Kind.SPAN:
            self.tracing.begin(room, envelope)

    def _sample(self, committed_us: int) -> None:
        received, behind = monotonic(), (now_us() - committed_us) / 1e6
        # In the loop's next turn, so it runs when the frames are written.
        asyncio.get_running_loop().call_soon(self._measure, received, behind)

    def _measure(self, received: float, behind: float) -> None:
        took = monotonic() - received
        self.stats.broadcast.add(took)
        self.stats.delivery.add(max(0.0, behind) + took)
