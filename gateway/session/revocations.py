"""Which sign-ins are revoked, as far as this gateway was told: those with a socket here lose it.

A connect asks Postgres in any case. What is known here is for sockets that are open, or that come in while the word of
a revocation is on its way; what Redis lost of it is read from Postgres now and then, and after each break of the link.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
import structlog

from gateway.persistence_client import PersistenceAway, PersistenceClient
from gateway.state.session import Session
from gateway.websocket.codes import CloseCode
from shared.wire import PREFIX_BYTES, Kind, Revocation

log = structlog.get_logger()

RETRY_SECONDS = 5.0

_revocations = msgspec.json.Decoder(Revocation)


class Revocations:
    """`run` must run, as a task of the owner's."""

    def __init__(
        self, persistence: PersistenceClient, sessions: Callable[[], Iterable[Session]], every_seconds: float
    ) -> None:
        self._every_seconds = every_seconds
        self._persistence = persistence
        self._sessions = sessions
        self._asked = asyncio.Event()
        self._mark = 0
        self._until: dict[str, float] = {}  # session id -> Unix seconds

    def is_revoked(self, session_id: str | None) -> bool:
        return session_id is not None and self._until.get(session_id, 0.0) > time.time()

    def on_envelope(self, envelope: bytes) -> None:
        """What comes on the channel of all revocations."""
        if envelope[1] != Kind.REVOKED:
            return
        try:
            told = _revocations.decode(envelope[PREFIX_BYTES:])
        except msgspec.DecodeError as error:
            log.warning("unreadable revocation", error=str(error))
            return
        if told.session_id is not None:
            self._revoke({told.session_id: told.until})

    def on_restored(self) -> None:
        """Words may have been missed."""
        self._asked.set()

    async def run(self) -> None:
        while True:
            try:
                self._asked.clear()
                await self._catch_up()
                async with asyncio.timeout(self._every_seconds):
                    await self._asked.wait()
            except TimeoutError:
                continue
            except PersistenceAway as away:
                log.warning("revocations not read yet", error=str(away))
                await asyncio.sleep(RETRY_SECONDS)

    async def _catch_up(self) -> None:
        answer = await self._persistence.revocations(self._mark)
        if answer.mark < self._mark:  # a restored database
            answer = await self._persistence.revocations(0)
        self._mark = answer.mark
        self._revoke(answer.revoked)

    def _revoke(self, told: Mapping[str, float]) -> None:
        now = time.time()
        new = {session_id for session_id, until in told.items() if until > now} - self._until.keys()
        self._until = {one: until for one, until in {**self._until, **told}.items() if until > now}
        if not new:
            return
        for session in self._sessions():
            if session.session_id in new:
                session.connection.close(CloseCode.SESSION_REVOKED, "session revoked")
