"""The two listeners of a process, made from what its services give."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from aiohttp import web

from gateway.endpoints import SUBSCRIBE
from media.app import OUTAGES as MEDIA_OUTAGES
from persistence import app as routes
from persistence.keys.gate import KeyGate, KeyLimits
from persistence.staff.gate import StaffGate
from services.listening import UNRESERVED, listening, public_bounds
from services.media import Media
from services.persistence import Persistence
from shared.auth import Identity, TokenVerifier
from shared.http.app import Readiness, internal_app, public_app
from shared.http.by_path import ByPath
from shared.http.crowd import Bounds
from shared.http.endpoint import Endpoint
from shared.http.errors import ApiError
from shared.http.gate import Limits, PublicGate, UserGate
from shared.http.middleware import Handler
from shared.http.origins import Origins
from shared.http.serving import Gate
from shared.http.strangers import Strangers
from shared.settings import Settings
from shared.tracing import Tracing

log = structlog.get_logger()


def strangers(settings: Settings) -> Strangers:
    """Counts, for one public listener, what comes without a good token."""
    return Strangers(settings.rate_limit_address, settings.rate_limit_failures, settings.trusted_proxies)


def user_gate(settings: Settings, parts: Persistence, verifier: TokenVerifier, strangers: Strangers) -> Gate:
    """Lets users in by their token, as often as the limits say, and the staff to what is theirs."""
    limits = Limits(parts.limiter, settings.rate_limit_address, settings.rate_limit_user, strangers)
    users = UserGate(verifier, limits, routes.remember_in(parts.pool, parts.rules), _judge(parts))
    staff = StaffGate(users, parts.staff)
    if parts.server is None:
        return staff
    counted = KeyLimits(parts.limiter, settings.rate_limit_key, strangers)
    return KeyGate(parts.pool, parts.server.keyring, staff, counted, parts.refusals.judge)


def with_media(gate: Gate, media: Media) -> Gate:
    """This gate, beside media's own for its routes."""
    return ByPath({endpoint.path: media.gate for endpoint in media.endpoints}, gate)


def _judge(parts: Persistence) -> Callable[[Identity], ApiError | None]:
    """Notes whom nothing refuses as here today."""

    def judge(user: Identity) -> ApiError | None:
        refusal = parts.refusals.judge(user)
        if refusal is None:
            parts.seen(user.user_id)
        return refusal

    return judge


def routes_of(parts: Persistence) -> routes.PersistenceDeps:
    return routes.PersistenceDeps(
        pool=parts.pool,
        delivery=parts.delivery,
        memberships=parts.memberships,
        receipts=parts.receipts,
        queue=parts.sending,
        presence=parts.presence,
        refusals=parts.refusals,
        ack_timeout_seconds=parts.ack_timeout_seconds,
        tracing=parts.tracing,
        quotas=parts.quotas,
        profile_changes=parts.profile_changes,
        rules=parts.rules,
        server=None if parts.server is None else parts.server.parts,
        screening=parts.screening,
        file_rules=parts.file_rules,
        seen=parts.seen,
    )


@asynccontextmanager
async def public(
    service: str,
    settings: Settings,
    endpoints: Iterable[Endpoint],
    *,
    strangers: Strangers,
    gate: Gate | None = None,
    raw: Mapping[str, Handler] | None = None,
    docs: bool = True,
    tracing: Tracing | None = None,
) -> AsyncIterator[int]:
    """The listener for apps; yields its port. Without a gate all of its endpoints must be public."""
    origins = Origins(settings.allowed_origins)
    app = public_app(
        service,
        endpoints,
        gate or PublicGate(strangers),
        origins=origins,
        outages=(*routes.OUTAGES, *MEDIA_OUTAGES),
        raw=raw,
        docs=docs,
        tracing=tracing,
        strangers=strangers,
        counting={SUBSCRIBE},
    )
    bounds = public_bounds(settings)
    async with _announced(service, app, settings.host, settings.port, "public", bounds) as port:
        yield port


def internal(
    service: str, settings: Settings, ready: Readiness, endpoints: Iterable[Endpoint] = ()
) -> AbstractAsyncContextManager[int]:
    """The listener for operators and other services; yields its port."""
    app = internal_app(service, endpoints, token=settings.service_token or "", ready=ready, outages=routes.OUTAGES)
    return _announced(service, app, settings.internal_host, settings.internal_port, "internal")


@asynccontextmanager
async def _announced(
    service: str, app: web.Application, host: str, port: int, which: str, bounds: Bounds = UNRESERVED
) -> AsyncIterator[int]:
    setting = (
        "PORT to another"
        if which == "public"
        else "PORT to another, or INTERNAL_PORT, which is PORT + 1000 where it is not set"
    )
    async with listening(app, host, port, bounds=bounds, setting=setting) as bound:
        log.info("listening", service=service, listener=which, host=host, port=bound)
        yield bound
    log.info("listener closed", service=service, listener=which)
