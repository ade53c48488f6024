"""Closes sessions whose token has expired: one timer for all of them."""

import asyncio
import time
from math import ceil

from gateway.state.session import Session
from gateway.websocket.codes import CloseCode


class Expiry:
    """Whoever makes it starts and stops it. A session is closed within a second of its token's end."""

    def __init__(self) -> None:
        self._sessions: dict[int, dict[Session, None]] = {}
        self._closed_up_to = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._closed_up_to = int(time.time())
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def watch(self, session: Session) -> None:
        self._sessions.setdefault(self._second(session), {})[session] = None

    def forget(self, session: Session) -> None:
        second = self._second(session)
        watched = self._sessions.get(second)
        if watched is not None:
            watched.pop(session, None)
            if not watched:
                del self._sessions[second]

    def extend(self, session: Session, expires_at: float) -> None:
        """It showed a fresh token."""
        self.forget(session)
        session.expires_at = expires_at
        self.watch(session)

    def _second(self, session: Session) -> int:
        return max(ceil(session.expires_at), self._closed_up_to + 1)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(1 - time.time() % 1, self._tick)

    def _tick(self) -> None:
        now = int(time.time())
        # A stopped process, or a clock that was set, may leave out many seconds.
        for second in [second for second in self._sessions if second <= now]:
            for session in self._sessions.pop(second):
                session.connection.close(CloseCode.TOKEN_REJECTED, "token expired")
        self._closed_up_to = now
        self._arm()
