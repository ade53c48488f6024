"""The door for the app's own server: by its key to what has a scope, and as a user to what users ask for."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import structlog
from aiohttp import web
from prometheus_client import Counter

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Pool
from persistence.keys import store
from persistence.keys.keyring import Keyring
from persistence.keys.scopes import ACT_AS, is_for_users, wanted
from persistence.staff.gate import StaffGate, missing_scope
from shared import keys
from shared.auth import Identity, Profile, server_key
from shared.auth.caller import Caller, KeyHolder, actor_of
from shared.http.cost import body_tokens
from shared.http.endpoint import Endpoint
from shared.http.errors import ApiError, forbidden, limited, malformed, unauthorized
from shared.http.gate import Limiter, bearer
from shared.http.strangers import Strangers
from shared.ids import canonical_id
from shared.limits import Check, Limited
from shared.setting_forms import Bucket

log = structlog.get_logger()

EXPOSED = Counter("parley_persistence_keys_exposed_total", "Requests of browsers that carried a living server key.")
REQUESTS = Counter("parley_persistence_server_requests_total", "Requests that server keys made, by scope.", ["scope"])

USER_HEADER = "Parley-User"
AUDITED_SECONDS = 3600.0
"""What a key does as one user, of one kind, is noted once in this time: else the audit log would be a second log."""
MOST_REMEMBERED = 10_000


class KeyLimits(NamedTuple):
    """How often a key may ask, and who counts what shows none that lives."""

    limiter: Limiter
    per_key: Bucket
    strangers: Strangers


class KeyGate:
    """Judges from memory alone. A key in a browser's request is refused and counted: a web page gives it away."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        staff: StaffGate,
        limits: KeyLimits,
        judge: Callable[[Identity], ApiError | None],
    ) -> None:
        self._pool = pool
        self._keyring = keyring
        self._staff = staff
        self._limits = limits
        self._judge = judge
        self._noted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def admit(self, request: web.Request, endpoint: Endpoint) -> Caller | None:
        """Raises ApiError as `StaffGate`; and of a key 401, 403, 429, or 400 for the user who is meant."""
        token = bearer(request)
        if endpoint.public or token is None or not server_key.is_meant(token):
            return await self._staff.admit(request, endpoint)
        holder = self._holder(request, token)
        await self._take(holder.key_id, 1 + _body(request, endpoint))
        scope = wanted(endpoint.scope or ACT_AS, request.method)
        REQUESTS.labels(endpoint.scope or ACT_AS).inc()
        if not holder.may(scope) or not (endpoint.scope or is_for_users(endpoint)):
            raise missing_scope(scope if endpoint.scope or is_for_users(endpoint) else endpoint.role)
        return holder if endpoint.scope else await self._acting(request, endpoint, holder)

    async def charge(self, caller: Caller | None, tokens: float) -> None:
        """Raises ApiError 429."""
        key_id = None if caller is None else caller.key_id
        if key_id is None:
            await self._staff.charge(caller, tokens)
        else:
            await self._take(key_id, tokens)

    def _holder(self, request: web.Request, token: str) -> KeyHolder:
        presented = server_key.read(token)
        holder = None if presented is None else self._keyring.holder(presented)
        if holder is None:
            self._limits.strangers.failed(request)
            raise unauthorized("authentication failed: the server key is unknown, revoked or expired")
        if "Origin" in request.headers:
            EXPOSED.inc()
            log.error("a server key came from a web page: revoke it", key_id=holder.key_id)
            raise forbidden("a server key must never be in a web page: revoke it, and use it on a server")
        return holder

    async def _take(self, key_id: str, cost: float) -> None:
        verdict = await self._limits.limiter.take([Check(keys.key_limit(key_id), self._limits.per_key, cost)])
        if isinstance(verdict, Limited):
            raise limited(verdict.retry_after_seconds)

    async def _acting(self, request: web.Request, endpoint: Endpoint, holder: KeyHolder) -> Identity:
        user_id = canonical_id(request.headers.get(USER_HEADER))
        if user_id is None:
            raise malformed(USER_HEADER, f"expected the header {USER_HEADER} with the UUID of a user")
        user = Identity(user_id, Profile(""), None, float("inf"), ACT_AS, holder.key_id)
        refusal = self._judge(user)
        if refusal is not None:
            raise refusal
        await self._note(user, holder, endpoint)
        return user

    async def _note(self, user: Identity, holder: KeyHolder, endpoint: Endpoint) -> None:
        """Two first requests at once are both noted. What is not noted is not done."""
        what = endpoint.name or f"{endpoint.method} {endpoint.path}"
        key, now = (holder.key_id, user.user_id, what), time.monotonic()
        if self._noted.get(key, 0.0) > now:
            return
        await store.make_known(self._pool, user.user_id)
        if endpoint.method != "GET":
            await audit.note(self._pool, actor_of(user), Entry(f"act_as.{what}", "user", user.user_id))
        self._noted[key] = now + AUDITED_SECONDS
        self._noted.move_to_end(key)
        if len(self._noted) > MOST_REMEMBERED:
            self._noted.popitem(last=False)


def _body(request: web.Request, endpoint: Endpoint) -> float:
    return body_tokens(request.content_length, endpoint.max_body_bytes) if request.can_read_body else 0.0
