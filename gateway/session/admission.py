"""Who may come in at all, before anything is looked up: by rate, origin, token, and the places of this gateway."""

from time import monotonic

from aiohttp import web

from gateway.session.accept_rate import AcceptRate
from gateway.session.callers import identify
from gateway.session.credentials import Credentials
from gateway.session.rejection import Rejection, overloaded
from gateway.stats import Stats
from gateway.websocket.codes import CloseCode
from shared.auth import Identity
from shared.http.errors import unavailable
from shared.http.origins import Origins
from shared.http.strangers import STRANGERS
from shared.settings import Settings


class Admission:
    """By credentials, ACCEPT_RATE, ALLOWED_ORIGINS and MAX_CONNECTIONS."""

    def __init__(self, settings: Settings, credentials: Credentials, stats: Stats) -> None:
        self._credentials = credentials
        self._most = settings.max_connections
        self._origins = Origins(settings.allowed_origins)
        self._accept_rate = AcceptRate(settings.accept_rate)
        self._stats = stats

    def check_rate(self) -> None:
        """Raises ApiError 503, the cheapest answer there is, where too many come at once."""
        self._turn_off(self._accept_rate.wait(monotonic()))

    async def identify(self, request: web.Request, token: str | None) -> Identity:
        """Who holds the token. Only a good one takes from the rate of this gateway: who has none cannot use it up.
        Raises Rejection; ApiError 503, or 429 for an address with too many bad ones."""
        self._check_origin(request)
        identity = await identify(self._credentials.verifier, request, token)
        self._turn_off(self._accept_rate.take(identity.user_id, monotonic()))
        return identity

    def is_revoked(self, session_id: str | None) -> bool:
        """Whether that sign-in counts no more, as far as this gateway heard by now."""
        return self._credentials.revocations.is_revoked(session_id)

    def _check_origin(self, request: web.Request) -> None:
        """Raises Rejection for a page of another site; ApiError 429 for an address with too many of those."""
        if not self._origins.allows(request.headers.get("Origin"), request.headers.get("Host")):
            request[STRANGERS].admit(request)
            raise Rejection(CloseCode.ORIGIN_REJECTED, "origin_rejected", "This origin is not allowed")

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
