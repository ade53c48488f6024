"""Everything in one process, on one public and one internal port, over servers of its own where none are set."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.endpoints import SUBSCRIBE
from gateway.endpoints import endpoints as gateway_endpoints
from gateway.gateway import Gateway
from persistence import app as routes
from persistence.database.migrate import migrate
from pusher.calls import Sender
from pusher.local import LocalSender
from services import demo, gateway, media, openings, serving
from services.demo_people import People
from services.embedded import EmbeddedPostgres, EmbeddedRedis, StartError
from services.embedded.ports import free_port
from services.embedded.server import EmbeddedServer
from services.fleet import readings
from services.fleet.registration import registered
from services.persistence import PROBE_SECONDS, Persistence, persistence
from services.pusher import pusher
from services.secret import development_secret, secrets_key, service_token
from services.tracing import tracing
from services.webhooks import webhooks
from shared.auth import TokenVerifier
from shared.lifecycle import Stop, Tasks
from shared.settings import Settings

SERVICE = "up"


@asynccontextmanager
async def up(settings: Settings, stop: Stop, *, with_demo: bool) -> AsyncIterator[str]:
    """Yields the public URL once it serves. Raises SettingError, StartError and MigrationError, each one line."""
    async with AsyncExitStack() as stack:
        settings = await _with_servers(_completed(settings), stop, stack)
        await migrate(settings.database_url or "")
        spans = await stack.enter_async_context(tracing(settings, SERVICE))
        session = await stack.enter_async_context(openings.http_session())
        tasks = await stack.enter_async_context(Tasks(SERVICE, stop))
        verifier = openings.verifier(settings, session, tasks)
        parts = await stack.enter_async_context(persistence(settings, stop, spans))
        made = await stack.enter_async_context(gateway.made(settings, verifier, stop, spans))
        yield await _served(settings, stop, stack, parts, made, verifier, with_demo=with_demo)


async def _served(
    settings: Settings,
    stop: Stop,
    stack: AsyncExitStack,
    parts: Persistence,
    made: Gateway,
    verifier: TokenVerifier,
    *,
    with_demo: bool,
) -> str:
    """Opens the internal port, on which gateway and pusher ask; then those; then the public port."""
    deps, people = serving.routes_of(parts), People()
    feed = demo.PushFeed(people)
    health = routes.health(parts.pool, parts.redis)
    parts.tasks.periodically(PROBE_SECONDS, health.parts, name="health")
    internal = serving.internal(SERVICE, settings, health.vital_parts, routes.internal_endpoints(deps))
    internal_port = await stack.enter_async_context(internal)
    pushing = await stack.enter_async_context(pusher(settings, stop, parts.tracing, sender=_sender(settings, feed)))
    if parts.server is not None:
        await stack.enter_async_context(webhooks(settings, stop))
    of_persistence = readings.of_persistence(health.parts, lambda: parts.epoch.current)
    of_pusher = readings.of_pusher(pushing.ready, lambda: pushing.epoch)
    entries = [readings.of_gateway(made), of_persistence, of_pusher]
    await stack.enter_async_context(registered(settings, stop, internal_port, entries))
    await stack.enter_async_context(made)
    shown = demo.routes(settings, feed, people) if with_demo and _is_private(settings.host) else {}
    strangers = serving.strangers(settings)
    files = await stack.enter_async_context(media.media(settings, stop, verifier, strangers))
    public = serving.public(
        SERVICE,
        settings,
        [health.endpoint(), *routes.endpoints(deps), *gateway_endpoints(made, with_health=False), *files.endpoints],
        strangers=strangers,
        gate=serving.with_media(serving.user_gate(settings, parts, verifier, strangers), files),
        raw={SUBSCRIBE: made.acceptor.subscribe, **shown},
        tracing=parts.tracing,
    )
    port = await stack.enter_async_context(public)
    stack.callback(feed.close)
    return f"http://{settings.host}:{port}"


def _completed(settings: Settings) -> Settings:
    """What a deployment must say and a developer need not: secrets, and where the services find each other."""
    port = settings.internal_port or free_port()
    return replace(
        settings,
        internal_port_or_none=port,
        jwt_secrets=settings.jwt_secrets or (development_secret(Path(settings.data_dir)),),
        service_token=settings.service_token or service_token(Path(settings.data_dir)),
        secrets_keys=settings.secrets_keys or (secrets_key(Path(settings.data_dir)),),
        persistence_url=settings.persistence_url or f"http://{settings.internal_host}:{port}",
    )


async def _with_servers(settings: Settings, stop: Stop, stack: AsyncExitStack) -> Settings:
    """Starts a Postgres and a Redis where none is set; the process stops if one of them ends by itself."""
    data, servers = Path(settings.data_dir), list[EmbeddedServer]()
    if settings.database_url is None:
        bin_dir = Path(settings.pg_bin_dir) if settings.pg_bin_dir else None
        postgres = await stack.enter_async_context(EmbeddedPostgres(data, bin_dir=bin_dir))
        servers.append(postgres)
        settings = replace(settings, database_url=postgres.url)
    if settings.redis_url is None:
        binary = Path(settings.redis_server_bin) if settings.redis_server_bin else None
        redis = await stack.enter_async_context(EmbeddedRedis(data, binary=binary))
        servers.append(redis)
        settings = replace(settings, redis_url=redis.url)
    # Entered after the servers: nobody watches them any more when they are stopped.
    watchers = await stack.enter_async_context(Tasks(SERVICE, stop))
    for server in servers:
        watchers.spawn(_watch(server), name=f"embedded_{server.name.lower()}")
    return settings


async def _watch(server: EmbeddedServer) -> None:
    raise StartError(await server.ended())


def _sender(settings: Settings, feed: demo.PushFeed) -> Sender | None:
    """Nobody outside is called unless the developer says where."""
    return None if settings.expo_access_token or settings.expo_push_url else LocalSender(feed.show)


def _is_private(host: str) -> bool:
    """The demo hands out tokens: it is for this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
