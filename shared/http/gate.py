"""Who may come in: users by their token, services by the shared one; and how often."""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Protocol

from aiohttp import web

from shared import keys
from shared.address import client_address, limit_key
from shared.auth import Identity, Reason, Rejected, TokenVerifier
from shared.http.endpoint import Endpoint
from shared.http.errors import ApiError, limited, unauthorized, unavailable
from shared.limits import Allowed, Limited
from shared.limits.script import Check
from shared.setting_forms import Bucket, Network

KNOWN_USERS = 50_000
"""Users whose profile is known to be in Postgres; about 8 MB."""

KNOWN_ADDRESSES = 8192
"""Addresses whose key is remembered."""

_SCHEME = "bearer "


class Limiter(Protocol):
    async def take(self, checks: Sequence[Check]) -> Allowed | Limited:
        """As shared.limits.RateLimiter."""


def bearer(request: web.Request) -> str | None:
    """The token of `Authorization: Bearer …` (RFC 6750, the scheme in any case); None where there is none."""
    header = request.headers.get("Authorization", "")
    if header[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return header[len(_SCHEME) :].strip() or None


class Limits:
    """Whose requests are counted where, and how many they may be."""

    def __init__(
        self, limiter: Limiter, per_address: Bucket, per_user: Bucket, trusted_proxies: Sequence[Network] = ()
    ) -> None:
        self._limiter = limiter
        self._per_address = per_address
        self._per_user = per_user
        self._trusted_proxies = trusted_proxies
        # Parsing addresses would be a fifth of what a request costs beside its route.
        self._address_key = lru_cache(KNOWN_ADDRESSES)(self._find_address_key)

    async def take(self, *checks: Check) -> None:
        """Raises ApiError 429."""
        verdict = await self._limiter.take(checks)
        if isinstance(verdict, Limited):
            raise limited(verdict.retry_after_seconds)

    def address_check(self, request: web.Request) -> Check:
        forwarded = tuple(request.headers.getall("X-Forwarded-For", ())) if self._trusted_proxies else ()
        return self._address_key(request.remote, forwarded), self._per_address

    def user_check(self, user: Identity) -> Check:
        return keys.user_limit(user.user_id), self._per_user

    def _find_address_key(self, peer: str | None, forwarded: tuple[str, ...]) -> str:
        return keys.address_limit(limit_key(client_address(peer, forwarded, self._trusted_proxies)))


class UserGate:
    """Counts the request against its address, verifies its token, counts it against its user, and sees to it that
    Postgres knows the user and their handle. `judge` says whose good tokens are refused all the same.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        limits: Limits,
        remember: Callable[[Identity], Awaitable[None]],
        judge: Callable[[Identity], ApiError | None],
    ) -> None:
        self._verifier = verifier
        self._limits = limits
        self._remember = remember
        self._judge = judge
        self._known: OrderedDict[str, int] = OrderedDict()

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """The user; None at a public endpoint.

        Raises ApiError 401, 403, 429, or 503 while a key set cannot be fetched.
        """
        if endpoint.public:
            if endpoint.limited:
                await self._limits.take(self._limits.address_check(request))
            return None
        user = await self._user(request)
        refusal = self._judge(user)
        if refusal is not None:
            raise refusal
        if self._known.get(user.user_id) != hash(user.profile):
            await self._make_known(user)
        return user

    async def _user(self, request: web.Request) -> Identity:
        token = bearer(request)
        address = self._limits.address_check(request)
        user = self._verifier.verify_cached(token) if token else None
        if user is not None:
            await self._limits.take(address, self._limits.user_check(user))  # in one round trip
            return user
        await self._limits.take(address)  # a signature is checked only for who may still ask
        verdict = await self._verifier.verify(token)
        if isinstance(verdict, Rejected):
            raise _refusal(verdict)
        await self._limits.take(self._limits.user_check(verdict))
        return verdict

    async def _make_known(self, user: Identity) -> None:
        """Two first requests of one user at once both write; the store's write can be repeated."""
        await self._remember(user)
        self._known[user.user_id] = hash(user.profile)  # the user wrote it, and it may be long
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)


def _refusal(verdict: Rejected) -> ApiError:
    if verdict.reason is Reason.MISSING:
        return unauthorized()
    if verdict.reason is Reason.KEYS_UNAVAILABLE:
        return unavailable("tokens cannot be verified at the moment, try again")
    if verdict.reason is Reason.EXPIRED:
        return unauthorized("authentication failed: the token has expired")
    return unauthorized(f"authentication failed: {verdict.detail or 'the token is not valid here'}")


class ServiceGate:
    """Lets in who knows SERVICE_TOKEN; nobody where there is none."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """Raises ApiError 401."""
        self.check(request)
        return None

    def check(self, request: web.Request) -> None:
        """Raises ApiError 401."""
        given = (bearer(request) or "").encode("utf-8", "surrogateescape")
        if not self._token or not hmac.compare_digest(given, self._token):
            raise unauthorized("the service token is missing or wrong")


class PublicGate:
    """For an application whose endpoints are all public: nobody is asked who they are."""

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        assert endpoint.public, f"{endpoint.path} asks for a user"
        return None
