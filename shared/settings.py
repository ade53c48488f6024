"""Settings: read once from the environment at the edge, typed, frozen. A missing or malformed one stops the start.

Each field says its variable, unit and default; `docs/setup-guide.md` is checked against `Settings`.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from shared import redis_url

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]+/?\Z")


class SettingError(Exception):
    """A setting is missing or malformed; the text is one line that names it."""


LAST_PORT = 65_535


@dataclass(frozen=True)
class Bucket:
    """A token bucket: `rate` tokens a second, at most `burst` saved up."""

    rate: float
    burst: float


def _text(raw: str) -> str:
    return raw


def _words(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def _seconds(raw: str) -> float:
    value = float(raw)
    if not 0 < value < 86_400 * 365:
        raise ValueError("a number of seconds above 0")
    return value


def _seconds_or_zero(raw: str) -> float:
    return 0.0 if float(raw) == 0 else _seconds(raw)


def _rate(raw: str) -> float:
    value = float(raw)
    if not 0 < value < 1e9:
        raise ValueError("a number above 0")
    return value


def _count(raw: str) -> int:
    value = int(raw)
    if value < 1:
        raise ValueError("a whole number above 0")
    return value


def _share(raw: str) -> float:
    value = float(raw)
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return value


def _port(raw: str) -> int:
    value = int(raw)
    if not 0 <= value <= LAST_PORT:
        raise ValueError("a port from 0 to 65535")
    return value


def _bucket(raw: str) -> Bucket:
    rate, _, burst = raw.partition(":")
    bucket = Bucket(float(rate), float(burst))
    if not (0 < bucket.rate < 1e9 and 1 <= bucket.burst < 1e9):
        raise ValueError("RATE:BURST, such as 50:300")
    return bucket


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if urlsplit(raw).scheme not in schemes:
            raise ValueError("a URL that begins with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return raw

    return parse


def _redis_url(raw: str) -> str:
    url = _url(*redis_url.SCHEMES)(raw)
    redis_url.seeds(url)
    return url


def _origins(raw: str) -> tuple[str, ...]:
    origins = _words(raw)
    if not all(origin == "*" or _ORIGIN.match(origin) for origin in origins):
        raise ValueError("origins such as https://app.example, separated by commas")
    return origins


def _networks(raw: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word, strict=False) for word in _words(raw))


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return raw.lower()

    return parse


def _setting(name: str, parse: Callable[[str], Any], default: Any = None) -> Any:
    return field(default=default, metadata={"name": name, "parse": parse})


@dataclass(frozen=True)
class Settings:
    """Every setting of every service; each service says with `require` which ones it cannot do without."""

    database_url: str | None = _setting("DATABASE_URL", _url("postgres", "postgresql"))
    redis_url: str | None = _setting("REDIS_URL", _redis_url)
    host: str = _setting("HOST", _text, "127.0.0.1")
    port: int = _setting("PORT", _port, 3001)
    internal_host: str = _setting("INTERNAL_HOST", _text, "127.0.0.1")
    internal_port_or_none: int | None = _setting("INTERNAL_PORT", _port)
    persistence_url: str | None = _setting("PERSISTENCE_URL", _url("http", "https"))
    service_token: str | None = _setting("SERVICE_TOKEN", _text)
    jwt_secrets: tuple[str, ...] = _setting("JWT_SECRET", _words, ())
    jwt_jwks_url: str | None = _setting("JWT_JWKS_URL", _url("http", "https"))
    jwt_audience: str = _setting("JWT_AUDIENCE", _text, "authenticated")
    jwt_issuer: str | None = _setting("JWT_ISSUER", _text)
    jwt_role: str = _setting("JWT_ROLE", _text, "authenticated")
    allowed_origins: tuple[str, ...] = _setting("ALLOWED_ORIGINS", _origins, ())
    expo_access_token: str | None = _setting("EXPO_ACCESS_TOKEN", _text)
    expo_push_url: str | None = _setting("EXPO_PUSH_URL", _url("http", "https"))
    ack_timeout: float = _setting("ACK_TIMEOUT", _seconds, 5.0)
    heartbeat_seconds: float = _setting("HEARTBEAT_SECONDS", _seconds, 25.0)
    presence_grace_seconds: float = _setting("PRESENCE_GRACE_SECONDS", _seconds_or_zero, 10.0)
    lease_seconds: float = _setting("LEASE_SECONDS", _seconds, 10.0)
    check_seconds: float = _setting("CHECK_SECONDS", _seconds, 60.0)
    drain_seconds: float = _setting("DRAIN_SECONDS", _seconds_or_zero, 25.0)
    database_pool: int = _setting("DATABASE_POOL", _count, 10)
    database_prepared_statements: str = _setting("DATABASE_PREPARED_STATEMENTS", _one_of("on", "off"), "on")
    max_connections: int = _setting("MAX_CONNECTIONS", _count, 50_000)
    max_user_connections: int = _setting("MAX_USER_CONNECTIONS", _count, 10)
    max_connection_age_seconds: float = _setting("MAX_CONNECTION_AGE_SECONDS", _seconds_or_zero, 4 * 3600.0)
    accept_rate: float = _setting("ACCEPT_RATE", _rate, 500.0)
    rate_limit_user: Bucket = _setting("RATE_LIMIT_USER", _bucket, Bucket(50, 300))
    rate_limit_address: Bucket = _setting("RATE_LIMIT_ADDRESS", _bucket, Bucket(200, 1000))
    rate_limit_frames: Bucket = _setting("RATE_LIMIT_FRAMES", _bucket, Bucket(20, 100))
    trusted_proxies: tuple[Network, ...] = _setting("TRUSTED_PROXIES", _networks, ())
    data_dir: str = _setting("DATA_DIR", _text, ".data")
    pg_bin_dir: str | None = _setting("PG_BIN_DIR", _text)
    redis_server_bin: str | None = _setting("REDIS_SERVER_BIN", _text)
    log_level: str = _setting("LOG_LEVEL", _one_of("debug", "info", "warning", "error"), "info")
    log_format: str = _setting("LOG_FORMAT", _one_of("json", "console"), "json")
    push_preview: str = _setting("PUSH_PREVIEW", _one_of("full", "sender", "none"), "full")
    push_burst_seconds: float = _setting("PUSH_BURST_SECONDS", _seconds_or_zero, 5.0)
    trace_sample: float = _setting("TRACE_SAMPLE", _share, 0.0)
    trace_parent: str = _setting("TRACE_PARENT", _one_of("ignore", "honour"), "ignore")
    fail_at: str | None = _setting("FAIL_AT", _text)

    @property
    def internal_port(self) -> int:
        """INTERNAL_PORT, else PORT + 1000 (0, any free one, where PORT is 0). Raises SettingError for no port."""
        if self.internal_port_or_none is not None:
            return self.internal_port_or_none
        if self.port + 1000 > LAST_PORT:
            raise SettingError(f"INTERNAL_PORT is not set, and PORT + 1000 is above {LAST_PORT}")
        return self.port + 1000 if self.port else 0

    @property
    def is_traced(self) -> bool:
        """Whether any request may be."""
        return self.trace_sample > 0 or self.trace_parent == "honour"

    def require(self, *names: str) -> None:
        """Raises SettingError for the first of these variables that is not set."""
        by_name = {item.metadata["name"]: item.name for item in fields(self)}
        for name in names:
            if not getattr(self, by_name[name]):
                raise SettingError(f"{name} is not set")

    def require_keys(self) -> None:
        """Raises SettingError unless tokens can be verified by a secret or a key set."""
        if not self.jwt_secrets and self.jwt_jwks_url is None:
            raise SettingError("JWT_SECRET or JWT_JWKS_URL is not set")


def from_mapping(environment: Mapping[str, str]) -> Settings:
    """Settings from a mapping of variables; an empty value counts as not set. Raises SettingError."""
    values: dict[str, Any] = {}
    for item in fields(Settings):
        name, parse = item.metadata["name"], item.metadata["parse"]
        raw = environment.get(name, "").strip()
        if raw:
            values[item.name] = _parsed(name, raw, parse)
    return Settings(**values)


def readable(environment: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings as far as they can be read, and a line for each that is malformed, in their order."""
    left = dict(environment)
    errors: list[str] = []
    while True:
        try:
            return from_mapping(left), errors
        except SettingError as error:
            errors.append(str(error))
            del left[str(error).split(" ", 1)[0]]


def _parsed(name: str, raw: str, parse: Callable[[str], Any]) -> Any:
    """The raw value is not repeated in the error: it may be a secret."""
    try:
        return parse(raw)
    except ValueError as error:
        raise SettingError(f"{name} is malformed: {_hint(parse, error)}") from None


def _hint(parse: Callable[[str], Any], error: ValueError) -> str:
    if parse in (_seconds, _seconds_or_zero):
        return "a number of seconds"
    if parse is _networks:
        return "addresses or networks, such as 10.0.0.0/8, separated by commas"
    return _HINTS.get(parse) or str(error)


_HINTS: dict[Callable[[str], Any], str] = {
    _rate: "a number above 0",
    _share: "a number from 0 to 1",
    _count: "a whole number above 0",
    _port: "a port from 0 to 65535",
    _bucket: "RATE:BURST, such as 50:300",
}


def environment() -> dict[str, str]:
    """The variables of this process that are set to something."""
    return {name: raw for name, raw in os.environ.items() if raw.strip()}


def from_environment(defaults: Mapping[str, str] | None = None) -> Settings:
    """Settings of this process; `defaults` are variables that count where they are not set. Raises SettingError."""
    return from_mapping({**(defaults or {}), **environment()})


VARIABLES: tuple[str, ...] = tuple(item.metadata["name"] for item in fields(Settings))
