"""Who may come in at all, before anything is looked up: by rate, by origin, and by the places of this gateway."""

from time import monotonic

from aiohttp import web

from gateway.session.accept_rate import AcceptRate
from gateway.session.rejection import Rejection, overloaded
from gateway.stats import Stats
from gateway.websocket.codes import CloseCode
from shared.auth import Identity
from shared.http.errors import unavailable
from shared.http.origins import Origins
from shared.http.strangers import STRANGERS
from shared.settings import Settings


class Admission:
    """By ACCEPT_RATE, ALLOWED_ORIGINS and MAX_CONNECTIONS."""

    def __init__(self, settings: Settings, stats: Stats) -> None:
        self._most = settings.max_connections
        self._origins = Origins(settings.allowed_origins)
        self._accept_rate = AcceptRate(settings.accept_rate)
        self._stats = stats

    def check_rate(self) -> None:
        """Raises ApiError 503, the cheapest answer there is, where too many come at once."""
        self._turn_off(self._accept_rate.wait(monotonic()))

    def check_origin(self, request: web.Request) -> None:
        """Raises Rejection for a page of another site; ApiError 429 for an address with too many of those."""
        if not self._origins.allows(request.headers.get("Origin"), request.headers.get("Host")):
            request[STRANGERS].admit(request)
            raise Rejection(CloseCode.ORIGIN_REJECTED, "origin_rejected", "This origin is not allowed")

    def admit(self, identity: Identity) -> None:
        """Only a good token takes from the rate of this gateway: who has none cannot use it up. Raises ApiError 503."""
        self._turn_off(self._accept_rate.take(identity.user_id, monotonic()))

    def check_place(self, taken: int) -> None:
        """Raises Rejection where this gateway holds as many sockets as it may."""
        if taken >= self._most:
            raise overloaded("This gateway is full: connect again")

    def count_failure(self, reason: str) -> None:
        """An upgrade that led to no session."""
        self._stats.count_failure(reason)

    def _turn_off(self, wait: float) -> None:
        if wait:
            self.count_failure("accept_rate")
            raise unavailable("too many connections at once: connect again", retry_after=wait)
