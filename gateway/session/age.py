"""Asks sockets that have lived long to move, so that gateways which came later fill as well.

No timer and nothing kept per socket: the heartbeat brings each one by, and how old it may become lies in its key.
"""

import random
from collections.abc import Iterable
from time import monotonic
from typing import Final

from gateway.state.session import Session
from gateway.stats import Stats
from gateway.websocket.codes import CloseCode
from gateway.websocket.connection import Connection
from shared import frames

JITTER: Final = 0.25
"""Of the age: what came in one storm leaves over half of it, not in another storm."""
GRACE_SECONDS: Final = 30.0
"""From the hint to the close: a client that moves opens its new socket first."""
LATEST_MOVE_SECONDS: Final = 5.0
"""Within which a hint asks to move: those of one heartbeat come spread out."""


class AgeLimit:
    """A session of about `seconds` (± JITTER) gets `reconnect`; one that is here a grace later is closed with 1012."""

    def __init__(self, seconds: float, stats: Stats) -> None:
        self._seconds = seconds
        self._youngest = seconds * (1 - JITTER)
        self._grace = min(GRACE_SECONDS, seconds / 4)
        self._stats = stats
        self._asked: dict[Session, float] = {}  # -> when its grace ends

    def visit(self, connections: Iterable[Connection]) -> None:
        """To be called with each connection about once a heartbeat."""
        now = monotonic()
        for connection in connections:
            session = connection.owner
            if isinstance(session, Session) and now - session.opened_at >= self._youngest:
                self._judge(session, now)

    def forget(self, session: Session) -> None:
        """It is closed."""
        self._asked.pop(session, None)

    def _judge(self, session: Session, now: float) -> None:
        until = self._asked.get(session)
        if until is not None:
            if now >= until:
                session.connection.close(CloseCode.RESTARTING, "time to move to another gateway")
        elif now - session.opened_at >= limit_of(session.key, self._seconds):
            self._asked[session] = now + self._grace
            self._stats.aged += 1
            latest = min(LATEST_MOVE_SECONDS, self._grace / 2)
            session.send(frames.reconnect(after_ms=round(1000 * random.uniform(0, latest))))


def limit_of(key: bytes, seconds: float) -> float:
    """How old the session with this random key may become: the same at each look, another for each session."""
    part = int.from_bytes(key[:2], "big") / 0xFFFF
    return seconds * (1 - JITTER + 2 * JITTER * part)
