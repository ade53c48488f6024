"""Whether clients have what was forwarded to them, by their own word: a gap that nobody noticed is found and measured.

A `ping` may carry cursors: conversations of which the client believes that it has everything up to that seq, and behind
which it knows of nothing. Nothing is noted per event; a claim is compared with how far its room was forwarded.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import NamedTuple

import structlog

from gateway.state.room import Room
from gateway.state.session import Session
from gateway.stats import Stats
from shared import frames

log = structlog.get_logger()

SETTLED_SECONDS = 5.0
"""What was on its way when a client said that it lacks it has come by then, or never will."""
LONGEST_RESUME_SECONDS = 300.0
"""Whoever first says what they have later than this after their connect had other reasons than catching up."""


class _Doubt(NamedTuple):
    """The client did not have `seq` at `since`, though it was forwarded."""

    seq: int
    since: float


class ClientClaims:
    """One for all sessions. `room_of` gives the room that a session takes part in, by the conversation's id."""

    def __init__(self, stats: Stats, room_of: Callable[[Session, str], Room | None]) -> None:
        self._stats = stats
        self._room_of = room_of
        self._doubts: dict[Session, dict[Room, _Doubt]] = {}
        self._resumed: dict[Session, None] = {}  # of those that are young; the first to say so first

    def forget(self, session: Session) -> None:
        """It is closed."""
        self._resumed.pop(session, None)
        self._doubts.pop(session, None)

    def compare(self, session: Session, cursors: Mapping[str, int]) -> None:
        """What the client says it has. Where something is missing for good, it is told to sync that conversation."""
        if not session.acks:
            return  # it is not sent its own messages: its cursors have holes
        now = monotonic()
        doubts = self._doubts.pop(session, {})
        for conversation_id, seq in cursors.items():
            room = self._room_of(session, conversation_id)
            if room is not None and not room.is_newcomer(session) and not session.is_paused_in(room):
                self._judge(session, room, seq, doubts, now)
        if doubts:
            self._doubts[session] = doubts
        else:
            self._note_resumed(session, now)

    def _judge(self, session: Session, room: Room, seq: int, doubts: dict[Room, _Doubt], now: float) -> None:
        """Once behind is no gap: events were on their way. Still behind the same event a while later is one."""
        forwarded = room.forwarded
        doubt = doubts.pop(room, None)
        if seq >= forwarded:
            return
        if doubt is None or seq >= doubt.seq or doubt.seq > forwarded:
            doubts[room] = _Doubt(forwarded, now)
        elif now - doubt.since < SETTLED_SECONDS:
            doubts[room] = doubt
        else:
            doubts[room] = _Doubt(forwarded, now)
            self._announce(session, room, seq, now - doubt.since)

    def _announce(self, session: Session, room: Room, seq: int, seconds: float) -> None:
        self._stats.undetected_gap.add(seconds)
        forwarded, conversation_id = room.forwarded, room.conversation_id
        log.warning(
            "a client lacks what it was sent",
            connection_id=session.connection_id,
            conversation_id=conversation_id,
            has=seq,
            sent=forwarded,
            seconds=round(seconds, 1),
        )
        session.send(frames.sync(conversation_id=conversation_id, last_seq=forwarded))

    def _note_resumed(self, session: Session, now: float) -> None:
        """The first time that all is there. Nothing is kept of sessions that never say so, nor of old ones."""
        if session in self._resumed or now - session.opened_at > LONGEST_RESUME_SECONDS:
            return
        self._stats.consistency["resume"].add(now - session.opened_at)
        self._resumed[session] = None
        while (first := next(iter(self._resumed))).opened_at < now - LONGEST_RESUME_SECONDS:
            del self._resumed[first]
