"""Who may come in: users by their token, services by the shared one; and how often."""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from shared.auth import Identity, Reason, Rejected, TokenVerifier
from shared.http.endpoint import Endpoint
from shared.http.errors import limited, unauthorized, unavailable

KNOWN_USERS = 50_000
"""Users whose handle is known to be in Postgres; about 10 MB."""

_SCHEME = "bearer "


class Limits(Protocol):
    """Both give the seconds to wait, 0 where the request may pass; while Redis is away they answer by themselves."""

    async def take_address(self, address: str) -> float: ...

    async def take_user(self, user_id: str) -> float: ...


def bearer(request: web.Request) -> str | None:
    """The token of `Authorization: Bearer …` (RFC 6750, the scheme in any case); None where there is none."""
    header = request.headers.get("Authorization", "")
    if header[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return header[len(_SCHEME) :].strip() or None


class UserGate:
    """Counts the request against its address, verifies its token, counts it against its user, and sees to it that
    Postgres knows the user and their handle.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        limits: Limits,
        address_of: Callable[[web.Request], str],
        remember: Callable[[Identity], Awaitable[None]],
    ) -> None:
        self._verifier = verifier
        self._limits = limits
        self._address_of = address_of
        self._remember = remember
        self._known: OrderedDict[str, str] = OrderedDict()

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """The user; None at a public endpoint. Raises ApiError 401, 429, or 503 while a key set cannot be fetched."""
        if endpoint.limited:
            _check_limit(await self._limits.take_address(self._address_of(request)))
        if endpoint.public:
            return None
        user = await self._verified(request)
        _check_limit(await self._limits.take_user(user.user_id))
        if self._known.get(user.user_id) != user.handle:
            await self._make_known(user)
        return user

    async def _verified(self, request: web.Request) -> Identity:
        verdict = await self._verifier.verify(bearer(request))
        if isinstance(verdict, Identity):
            return verdict
        raise _refusal(verdict)

    async def _make_known(self, user: Identity) -> None:
        """Two first requests of one user at once both write; the store's write can be repeated."""
        await self._remember(user)
        self._known[user.user_id] = user.handle
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)


def _check_limit(wait_seconds: float) -> None:
    if wait_seconds > 0:
        raise limited(wait_seconds)


def _refusal(verdict: Rejected) -> Exception:
    if verdict.reason is Reason.MISSING:
        return unauthorized()
    if verdict.reason is Reason.KEYS_UNAVAILABLE:
        return unavailable("tokens cannot be verified at the moment, try again")
    if verdict.reason is Reason.EXPIRED:
        return unauthorized("authentication failed: the token has expired")
    return unauthorized("authentication failed: the token is not valid here")


class ServiceGate:
    """Lets in who knows SERVICE_TOKEN."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """Raises ApiError 401."""
        self.check(request)
        return None

    def check(self, request: web.Request) -> None:
        """Raises ApiError 401."""
        given = (bearer(request) or "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._token):
            raise unauthorized("the service token is missing or wrong")
