"""The settings by themselves: missing ones, and those that contradict each other."""

import resource
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from math import ceil

from services.checks.finding import Finding, error, ok, warning
from shared.auth import check_secret
from shared.settings import VARIABLES, SettingError, Settings

SERVICES = ("gateway", "persistence", "pusher", "webhooks", "media")
REQUIRED = {
    "gateway": ("REDIS_URL", "PERSISTENCE_URL", "SERVICE_TOKEN"),
    "persistence": ("DATABASE_URL", "REDIS_URL", "SERVICE_TOKEN"),
    "pusher": ("REDIS_URL", "PERSISTENCE_URL", "SERVICE_TOKEN"),
    "webhooks": ("PERSISTENCE_URL", "SERVICE_TOKEN"),
    "media": ("PERSISTENCE_URL", "SERVICE_TOKEN"),
}
"""What services/processes.py asks for."""
VERIFIERS = ("gateway", "persistence", "media")

OFFLINE_SECONDS = 15.0
"""The contract: offline at most so long after a clean close."""
SPARE_FILES = 200
"""For Redis, persistence and the process itself, beside the sockets."""
LONG_FILL_SECONDS = 600.0
MOST_OTHERS = 4
"""Gateways that take in what one sends away, without a storm: a fleet has that many, or more time to drain."""


def unknown(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like a setting of ours, and are none."""
    for name in sorted(environment.keys() - set(VARIABLES)):
        [*near] = get_close_matches(name, VARIABLES, n=1, cutoff=0.9)
        if near:
            yield warning(name, f"is no setting: is {near[0]} meant?")


def missing(settings: Settings, services: Iterable[str]) -> Iterator[Finding]:
    for service in services:
        for name in REQUIRED[service]:
            try:
                settings.require(name)
            except SettingError:
                yield error(name, f"is not set; {service} needs it")
    if set(services) & set(VERIFIERS):
        try:
            settings.require_keys()
        except SettingError as absent:
            yield error("JWT_SECRET", str(absent))


def secrets(settings: Settings) -> Iterator[Finding]:
    for secret in settings.jwt_secrets:
        try:
            check_secret(secret)
        except SettingError as weak:
            yield error("JWT_SECRET", str(weak).removeprefix("JWT_SECRET "))
    token = settings.service_token
    if token is not None and token in settings.jwt_secrets:
        yield error("SERVICE_TOKEN", "is the same as JWT_SECRET: whoever has one could do what the other allows")
    if settings.jwt_jwks_url and not settings.jwt_issuer:
        yield warning("JWT_ISSUER", "is not set: tokens of any issuer with these keys are taken")


def contradictions(settings: Settings, services: Iterable[str]) -> Iterator[Finding]:
    """What each service would say no word about, and nobody wants."""
    yield from _everywhere(settings)
    if "gateway" in services:
        yield from _of_a_gateway(settings)
    if "persistence" in services:
        yield from _of_a_persistence(settings)
    if list(services) == ["webhooks"]:
        yield from _of_webhooks(settings)
    if "pusher" in services:
        yield from _of_a_pusher(settings)


def _everywhere(settings: Settings) -> Iterator[Finding]:
    try:
        if settings.port and settings.port == settings.internal_port:
            yield error("INTERNAL_PORT", "is the same as PORT")
    except SettingError as impossible:
        yield error("INTERNAL_PORT", str(impossible))
    if "*" in settings.allowed_origins:
        yield warning("ALLOWED_ORIGINS", "has *: any web page may use a visitor's token")
    for network in settings.trusted_proxies:
        if network.prefixlen == 0:
            yield error("TRUSTED_PROXIES", f"has {network}: any client may choose the address it is limited by")


def _of_a_gateway(settings: Settings) -> Iterator[Finding]:
    heartbeat, lease, grace = settings.heartbeat_seconds, settings.lease_seconds, settings.presence_grace_seconds
    if lease + lease / 3 > 2 * heartbeat:
        yield warning(
            "LEASE_SECONDS", f"{lease:g}: a dead gateway is noticed later than in 2 heartbeats ({heartbeat:g} s)"
        )
    if lease < 2:
        yield warning("LEASE_SECONDS", f"{lease:g}: a hiccup of Redis makes a living gateway look dead")
    if grace > OFFLINE_SECONDS:
        yield warning("PRESENCE_GRACE_SECONDS", f"{grace:g}: apps expect who left to be offline within 15 s")
    yield from _of_drain_and_storm(settings)
    age = settings.max_connection_age_seconds
    if 0 < age < 10 * heartbeat:
        yield warning("MAX_CONNECTION_AGE_SECONDS", f"{age:g}: sockets move after a few heartbeats already")
    if settings.rate_limit_frames.burst < settings.rate_limit_frames.rate:
        yield warning("RATE_LIMIT_FRAMES", "has a burst below a second's rate: clients are refused within the rate")


def _of_drain_and_storm(settings: Settings) -> Iterator[Finding]:
    drain, most, accepts = settings.drain_seconds, settings.max_connections, settings.accept_rate
    if drain == 0:
        yield warning("DRAIN_SECONDS", "0: all sockets of a stopping gateway close at once")
    elif most / drain > MOST_OTHERS * accepts:
        others = ceil(most / drain / accepts)
        yield warning(
            "DRAIN_SECONDS", f"{drain:g}: the sockets of a full gateway want the ACCEPT_RATE of {others} others"
        )
    if most / accepts > LONG_FILL_SECONDS:
        yield warning(
            "ACCEPT_RATE", f"{accepts:g}: {most:,} sockets take {most / accepts / 60:,.0f} minutes to come back"
        )


def _of_a_persistence(settings: Settings) -> Iterator[Finding]:
    user, address = settings.rate_limit_user, settings.rate_limit_address
    for name, bucket in (("RATE_LIMIT_USER", user), ("RATE_LIMIT_ADDRESS", address)):
        if bucket.burst < bucket.rate:
            yield warning(name, "has a burst below a second's rate: clients are refused within the rate")
    if address.rate < user.rate or address.burst < user.burst:
        yield warning("RATE_LIMIT_ADDRESS", "is below RATE_LIMIT_USER: one user at one address never reaches their own")
    if settings.server_api == "on" and not settings.secrets_keys:
        yield error("SECRETS_KEY", "is not set, and SERVER_API is on: no webhook can be made")
    if not settings.trusted_proxies:
        yield warning("TRUSTED_PROXIES", "is not set: behind a load balancer all clients share its address' limit")
    if settings.ack_timeout < 1:
        yield warning(
            "ACK_TIMEOUT", f"{settings.ack_timeout:g}: who is connected over a slow network is pushed as well"
        )


def _of_webhooks(settings: Settings) -> Iterator[Finding]:
    if settings.database_url or settings.redis_url:
        yield warning("DATABASE_URL", "or REDIS_URL is set: a process that calls others' addresses needs neither")


def _of_a_pusher(settings: Settings) -> Iterator[Finding]:
    if settings.expo_push_url:
        yield warning("EXPO_PUSH_URL", "is set: pushes go elsewhere than to Expo")
    elif not settings.expo_access_token:
        yield warning("EXPO_ACCESS_TOKEN", "is not set: fails where the project has enhanced push security")


def open_files(settings: Settings) -> Finding:
    """As this shell's processes would have them."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.max_connections + SPARE_FILES
    if soft in (-1, resource.RLIM_INFINITY) or soft >= 2 * settings.max_connections:
        return ok("nofile", "open files are enough for MAX_CONNECTIONS")
    text = f"{soft:,} open files here, for MAX_CONNECTIONS of {settings.max_connections:,}"
    return error("nofile", text) if soft < needed else warning("nofile", f"{text}: twice as many are advised")
