"""One service a process: what `python -m services gateway`, `persistence` and `pusher` run."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from gateway.endpoints import SUBSCRIBE
from gateway.endpoints import endpoints as gateway_endpoints
from persistence import app as routes
from services import gateway, media, openings, persistence, pusher, serving, webhooks
from services.fleet import readings
from services.fleet.registration import registered
from services.listening import raise_descriptors
from services.persistence import PROBE_SECONDS
from services.tracing import tracing
from shared.auth import TokenVerifier
from shared.auth.verified import MOST_TOKENS
from shared.http.gate import PublicGate
from shared.lifecycle import Stop, Tasks, until_stopped
from shared.settings import Settings

Process = Callable[[Stop], AbstractAsyncContextManager[object]]

STOP_SECONDS = 20.0
"""For everything after the drain: whatever takes longer hangs, and the process is ended."""


def settle_heap() -> None:
    """What the start made stays for good: the collector need not look at it again, nor look so often at sockets.

    Measured with aiohttp's own sockets: a quarter less CPU a connect.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def run(process: Process, settings: Settings) -> int:
    """Runs it until it should stop; its exit code."""
    raise_descriptors()
    return await until_stopped(process, stop_within_seconds=settings.drain_seconds + STOP_SECONDS)


GATEWAY_TOKENS = 256
"""A gateway sees a token once a connection, which then lasts for hours: remembering more only costs memory."""


def gateway_process(settings: Settings) -> Process:
    """Raises SettingError where a setting is missing."""
    settings.require("REDIS_URL", "PERSISTENCE_URL", "SERVICE_TOKEN")
    settings.require_keys()

    @asynccontextmanager
    async def process(stop: Stop) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            spans = await stack.enter_async_context(tracing(settings, "gateway"))
            verifier = await _verifier(settings, "gateway", stop, stack, remembered=GATEWAY_TOKENS)
            made = await stack.enter_async_context(gateway.made(settings, verifier, stop, spans))
            internal_port = await stack.enter_async_context(serving.internal("gateway", settings, made.ready))
            # Around the gateway: while it drains, the fleet's operators see it drain.
            await stack.enter_async_context(registered(settings, stop, internal_port, [readings.of_gateway(made)]))
            await stack.enter_async_context(made)
            endpoints = gateway_endpoints(made, with_health=True)
            strangers, raw = serving.strangers(settings), {SUBSCRIBE: made.acceptor.subscribe}
            public = serving.public("gateway", settings, endpoints, strangers=strangers, raw=raw, docs=False)
            await stack.enter_async_context(public)
            settle_heap()
            yield

    return process


def persistence_process(settings: Settings) -> Process:
    """Raises SettingError where a setting is missing."""
    settings.require("DATABASE_URL", "REDIS_URL", "SERVICE_TOKEN")
    settings.require_keys()

    @asynccontextmanager
    async def process(stop: Stop) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            spans = await stack.enter_async_context(tracing(settings, "persistence"))
            verifier = await _verifier(settings, "persistence", stop, stack)
            parts = await stack.enter_async_context(persistence.persistence(settings, stop, spans))
            health = routes.health(parts.pool, parts.redis)
            parts.tasks.periodically(PROBE_SECONDS, health.parts, name="health")
            deps = serving.routes_of(parts)
            internal = routes.internal_endpoints(deps)
            serves = serving.internal("persistence", settings, health.vital_parts, internal)
            internal_port = await stack.enter_async_context(serves)
            reading = readings.of_persistence(health.parts, lambda: parts.epoch.current)
            await stack.enter_async_context(registered(settings, stop, internal_port, [reading]))
            strangers = serving.strangers(settings)
            gate = serving.user_gate(settings, parts, verifier, strangers)
            endpoints = [health.endpoint(), *routes.endpoints(deps)]
            public = serving.public("persistence", settings, endpoints, strangers=strangers, gate=gate, tracing=spans)
            await stack.enter_async_context(public)
            settle_heap()
            yield

    return process


def pusher_process(settings: Settings) -> Process:
    """Raises SettingError where a setting is missing."""
    settings.require("REDIS_URL", "PERSISTENCE_URL", "SERVICE_TOKEN")

    @asynccontextmanager
    async def process(stop: Stop) -> AsyncIterator[None]:
        async with (
            tracing(settings, "pusher") as spans,
            pusher.pusher(settings, stop, spans) as made,
            serving.internal("pusher", settings, made.ready) as internal_port,
            registered(settings, stop, internal_port, [readings.of_pusher(made.ready, lambda: made.epoch)]),
        ):
            yield

    return process


def media_process(settings: Settings) -> Process:
    """Raises SettingError where a setting is missing."""
    settings.require("PERSISTENCE_URL", "SERVICE_TOKEN")
    settings.require_keys()

    @asynccontextmanager
    async def process(stop: Stop) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            verifier, strangers = await _verifier(settings, "media", stop, stack), serving.strangers(settings)
            made = await stack.enter_async_context(media.media(settings, stop, verifier, strangers))
            await stack.enter_async_context(serving.internal("media", settings, made.health.vital_parts))
            gate = serving.with_media(PublicGate(strangers), made)
            public = serving.public(
                "media", settings, [made.health.endpoint(), *made.endpoints], strangers=strangers, gate=gate
            )
            await stack.enter_async_context(public)
            settle_heap()
            yield

    return process


def webhooks_process(settings: Settings) -> Process:
    """Raises SettingError where a setting is missing."""
    settings.require("PERSISTENCE_URL", "SERVICE_TOKEN")

    @asynccontextmanager
    async def process(stop: Stop) -> AsyncIterator[None]:
        async with (
            webhooks.webhooks(settings, stop) as made,
            serving.internal("webhooks", settings, made.ready),
        ):
            yield

    return process


async def _verifier(
    settings: Settings, service: str, stop: Stop, stack: AsyncExitStack, *, remembered: int = MOST_TOKENS
) -> TokenVerifier:
    session = await stack.enter_async_context(openings.http_session())
    tasks = await stack.enter_async_context(Tasks(service, stop))
    return openings.verifier(settings, session, tasks, remembered=remembered)
