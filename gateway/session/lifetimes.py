"""A session from `connected` to its close: who watches it meanwhile, and what is counted and logged of it."""

from time import monotonic

import structlog

from gateway.healing.client_claims import ClientClaims
from gateway.presence.devices import Devices
from gateway.session.age import AgeLimit
from gateway.session.expiry import Expiry
from gateway.state.session import Session
from gateway.stats import Stats
from gateway.typing.typing import TypingSignals
from gateway.websocket.codes import CloseCode
from gateway.websocket.heartbeat import Heartbeat

log = structlog.get_logger()


class Lifetimes:
    def __init__(
        self,
        heartbeat: Heartbeat,
        expiry: Expiry,
        age_limit: AgeLimit,
        claims: ClientClaims,
        typing: TypingSignals,
        devices: Devices,
        stats: Stats,
    ) -> None:
        self._heartbeat = heartbeat
        self._expiry = expiry
        self._age_limit = age_limit
        self._claims = claims
        self._typing = typing
        self._devices = devices
        self._stats = stats

    def watch(self, session: Session, *, rooms: int, is_return: bool) -> None:
        """It was told `connected`. `is_return`: the user had a socket here within the grace of presence."""
        self._heartbeat.add(session.connection)
        self._expiry.watch(session)
        self._stats.opened += 1
        self._stats.reconnects += is_return
        log.info("connected", rooms=rooms, acks=session.acks, **ids(session))

    def arrived(self, session: Session, *, has_others: bool) -> None:
        """It is in all its rooms. `has_others`: the user has further sockets somewhere."""
        self._devices.arrived(session, has_others=has_others)

    def ended(self, session: Session) -> None:
        """A session that had arrived is over."""
        self._devices.ended(session)

    def forget(self, session: Session) -> None:
        """Its socket is closed."""
        self._typing.dropped(session)
        self._heartbeat.discard(session.connection)
        self._expiry.forget(session)
        self._age_limit.forget(session)
        self._claims.forget(session)

    def note_closed(self, session: Session, code: int) -> None:
        """`code` is the close code, whoever sent it."""
        seconds = monotonic() - session.opened_at
        self._stats.count_closed(code)
        self._stats.lifetime.add(seconds)
        if code == CloseCode.OVERLOADED:
            self._stats.slow_consumers += 1
        log.info("closed", code=code, seconds=round(seconds, 1), **ids(session))


def ids(session: Session) -> dict[str, str]:
    """What a log line about a session carries; bound to the context it would cost a connect more than its line."""
    return {"connection_id": session.connection_id, "user_id": session.user.user_id}
