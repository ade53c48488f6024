"""Who may come in: users by their token, services by the shared one; and how often."""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web

from shared import keys
from shared.auth import Identity, Reason, Rejected, TokenVerifier
from shared.auth.caller import Caller
from shared.auth.header import LONGEST_TOKEN
from shared.http.cost import body_tokens
from shared.http.endpoint import Endpoint
from shared.http.errors import ApiError, head_too_large, limited, unauthorized, unavailable
from shared.http.strangers import Strangers
from shared.limits import Allowed, Check, Limited
from shared.setting_forms import Bucket

KNOWN_USERS = 50_000
"""Users whose profile is known to be in Postgres; about 8 MB."""

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
    """How many requests users may make: each of them, and all of one address together. Without a good token it is
    `strangers` that counts.
    """

    def __init__(self, limiter: Limiter, per_address: Bucket, per_user: Bucket, strangers: Strangers) -> None:
        self._limiter = limiter
        self._per_address = per_address
        self._per_user = per_user
        self.strangers = strangers

    async def admit(self, request: web.Request, endpoint: Endpoint, user: Identity) -> None:
        """Counts the request and the bytes that it announces. Raises ApiError 429."""
        address = keys.address_limit(self.strangers.address_of(request))
        cost = 1 + (body_tokens(request.content_length, endpoint.max_body_bytes) if request.can_read_body else 0)
        # In one round trip. What else the connection sends is read all the same: it may carry many users' requests.
        await self._take(Check(address, self._per_address), self._user(user, cost))

    async def charge(self, user: Identity, tokens: float) -> None:
        """Raises ApiError 429."""
        await self._take(self._user(user, tokens))

    def _user(self, user: Identity, cost: float) -> Check:
        return Check(keys.user_limit(user.user_id), self._per_user, cost)

    async def _take(self, *checks: Check) -> None:
        verdict = await self._limiter.take(checks)
        if isinstance(verdict, Limited):
            raise limited(verdict.retry_after_seconds)


class UserGate:
    """Verifies the request's token, counts the request against its user and address, and sees to it that Postgres
    knows the user and their handle. What comes without a good token counts apart. `judge` says whose good tokens are
    refused all the same.
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
        self._strangers = limits.strangers
        self._remember = remember
        self._judge = judge
        self._known: OrderedDict[str, int] = OrderedDict()

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """The user; None at a public endpoint.

        Raises ApiError 401, 403, 429, or 503 while a key set cannot be fetched.
        """
        if endpoint.public:
            count_public(self._strangers, request, endpoint)
            return None
        user = await self._user(request)
        await self._limits.admit(request, endpoint, user)
        refusal = self._judge(user)
        if refusal is not None:
            raise refusal
        if self._known.get(user.user_id) != hash(user.profile):
            await self._make_known(user)
        return user

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """Takes so many tokens more. Raises ApiError 429."""
        if isinstance(caller, Identity):
            await self._limits.charge(caller, tokens)

    async def _user(self, request: web.Request) -> Identity:
        token = bearer(request)
        if token is None:
            self._strangers.admit(request)
            raise unauthorized()
        if len(token) > LONGEST_TOKEN:
            self._strangers.failed(request)
            raise head_too_large(f"the token, of more than {LONGEST_TOKEN} bytes,")
        verdict = self._verifier.verify_cached(token) or await self._verifier.verify(token)
        if isinstance(verdict, Rejected):
            count_rejected(self._strangers, request, verdict)
            raise token_refusal(verdict)
        return verdict

    async def _make_known(self, user: Identity) -> None:
        """Two first requests of one user at once both write; the store's write can be repeated."""
        await self._remember(user)
        self._known[user.user_id] = hash(user.profile)  # the user wrote it, and it may be long
        if len(self._known) > KNOWN_USERS:
            self._known.popitem(last=False)


def count_public(strangers: Strangers, request: web.Request, endpoint: Endpoint) -> None:
    """Raises ApiError 429."""
    if endpoint.is_health:
        strangers.asks_for_health(request)
    else:
        strangers.admit(request)


def count_rejected(strangers: Strangers, request: web.Request, verdict: Rejected) -> None:
    """Counts a token that was not good as a failure; one that has expired, or that nobody can judge now, as any other
    request: it was good once, or may be. Raises ApiError 429.
    """
    if verdict.reason in (Reason.MISSING, Reason.EXPIRED, Reason.KEYS_UNAVAILABLE):
        strangers.admit(request)
    else:
        strangers.failed(request)


def token_refusal(verdict: Rejected) -> ApiError:
    """What is answered to who has no good token."""
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

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """Services pay nothing."""

    def check(self, request: web.Request) -> None:
        """Raises ApiError 401."""
        given = (bearer(request) or "").encode("utf-8", "surrogateescape")
        if not self._token or not hmac.compare_digest(given, self._token):
            raise unauthorized("the service token is missing or wrong")


class PublicGate:
    """For an application whose endpoints are all public: nobody is asked who they are."""

    def __init__(self, strangers: Strangers) -> None:
        self._strangers = strangers

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Identity | None:
        """Raises ApiError 429."""
        assert endpoint.public, f"{endpoint.path} asks for a user"
        count_public(self._strangers, request, endpoint)
        return None

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """There is no user who could pay."""
