"""Settings: read once from the environment at the edge, typed, frozen. A missing or malformed one stops the start.

Each field says its variable, unit and default; `docs/setup-guide.md` is checked against `Settings`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from shared import links, signing
from shared import setting_forms as forms
from shared.setting_forms import LAST_PORT, Bucket, Network

DEFAULT_HANDLE_CLAIMS = ("user_metadata.handle", "user_metadata.username", "user_metadata.user_name")
SYSTEM_USER_ID = "00000000-0000-4000-8000-000000000001"
"""Of whom system messages are, unless a deployment says else. Never the nil UUID: that is wire.NOBODY."""
TEST_HOOKS = ("FAIL_AT", "DOOMED_AT")


class SettingError(Exception):
    """A setting is missing or malformed; the text is one line that names it."""


def _setting(name: str, parse: Callable[[str], Any], default: Any = None) -> Any:
    return field(default=default, metadata={"name": name, "parse": parse})


@dataclass(frozen=True)
class Settings:
    """Every setting of every service; each service says with `require` which ones it cannot do without."""

    database_url: str | None = _setting("DATABASE_URL", forms.url("postgres", "postgresql"))
    redis_url: str | None = _setting("REDIS_URL", forms.redis_address)
    redis_prefix: str = _setting("REDIS_PREFIX", forms.redis_prefix, "")
    host: str = _setting("HOST", forms.text, "127.0.0.1")
    port: int = _setting("PORT", forms.port, 3001)
    internal_host: str = _setting("INTERNAL_HOST", forms.text, "127.0.0.1")
    internal_port_or_none: int | None = _setting("INTERNAL_PORT", forms.port)
    persistence_url: str | None = _setting("PERSISTENCE_URL", forms.url("http", "https"))
    service_token: str | None = _setting("SERVICE_TOKEN", forms.secret)
    jwt_secrets: tuple[str, ...] = _setting("JWT_SECRET", forms.words, ())
    jwt_jwks_url: str | None = _setting("JWT_JWKS_URL", forms.url("http", "https"))
    jwt_audience: str = _setting("JWT_AUDIENCE", forms.text, "authenticated")
    jwt_issuer: str | None = _setting("JWT_ISSUER", forms.text)
    jwt_role: str = _setting("JWT_ROLE", forms.text, "authenticated")
    handle_claims: tuple[str, ...] = _setting("HANDLE_CLAIMS", forms.claims, DEFAULT_HANDLE_CLAIMS)
    direct_per: str = _setting("DIRECT_PER", forms.one_of("bounty", "pair"), "bounty")
    media_url_schemes: tuple[str, ...] = _setting("MEDIA_URL_SCHEMES", forms.schemes, ("https",))
    public_url: str | None = _setting("PUBLIC_URL", forms.base_url)
    media_url: str | None = _setting("MEDIA_URL", forms.base_url)
    media_dir: str | None = _setting("MEDIA_DIR", forms.text)
    media_redirect: str = _setting("MEDIA_REDIRECT", forms.one_of("on", "off"), "off")
    image_pixels: int = _setting("IMAGE_PIXELS", forms.count, 25_000_000)
    scan_url: str | None = _setting("SCAN_URL", forms.url("http", "https"))
    s3_endpoint: str | None = _setting("S3_ENDPOINT", forms.url("http", "https"))
    s3_bucket: str | None = _setting("S3_BUCKET", forms.text)
    s3_region: str = _setting("S3_REGION", forms.text, "us-east-1")
    s3_access_key_id: str | None = _setting("S3_ACCESS_KEY_ID", forms.text)
    s3_secret_access_key: str | None = _setting("S3_SECRET_ACCESS_KEY", forms.text)
    media_link_secret: str | None = _setting("MEDIA_LINK_SECRET", forms.secret)
    attachment_bytes: int = _setting("ATTACHMENT_BYTES", forms.count, 100 * 1024 * 1024)
    attachment_user_bytes: int = _setting("ATTACHMENT_USER_BYTES", forms.count, 1024 * 1024 * 1024)
    blob_grace_days: float = _setting("BLOB_GRACE_DAYS", forms.days, 7.0)
    edit_seconds: float = _setting("EDIT_SECONDS", forms.seconds_or_zero, 86_400.0)
    edit_history: str = _setting("EDIT_HISTORY", forms.one_of("members", "author", "off"), "author")
    clock_leeway_seconds: float = _setting("CLOCK_LEEWAY_SECONDS", forms.seconds_or_zero, 60.0)
    allowed_origins: tuple[str, ...] = _setting("ALLOWED_ORIGINS", forms.origins, ())
    expo_access_token: str | None = _setting("EXPO_ACCESS_TOKEN", forms.text)
    expo_push_url: str | None = _setting("EXPO_PUSH_URL", forms.url("http", "https"))
    ack_timeout: float = _setting("ACK_TIMEOUT", forms.seconds, 5.0)
    heartbeat_seconds: float = _setting("HEARTBEAT_SECONDS", forms.seconds, 25.0)
    presence_grace_seconds: float = _setting("PRESENCE_GRACE_SECONDS", forms.seconds_or_zero, 10.0)
    lease_seconds: float = _setting("LEASE_SECONDS", forms.seconds, 10.0)
    check_seconds: float = _setting("CHECK_SECONDS", forms.seconds, 60.0)
    drain_seconds: float = _setting("DRAIN_SECONDS", forms.seconds_or_zero, 25.0)
    database_pool: int = _setting("DATABASE_POOL", forms.count, 10)
    database_prepared_statements: str = _setting("DATABASE_PREPARED_STATEMENTS", forms.one_of("on", "off"), "on")
    max_connections: int = _setting("MAX_CONNECTIONS", forms.count, 50_000)
    max_user_connections: int = _setting("MAX_USER_CONNECTIONS", forms.count, 10)
    legacy_sockets: str = _setting("LEGACY_SOCKETS", forms.one_of("newest", "all"), "newest")
    max_connection_age_seconds: float = _setting("MAX_CONNECTION_AGE_SECONDS", forms.seconds_or_zero, 4 * 3600.0)
    accept_rate: float = _setting("ACCEPT_RATE", forms.rate, 500.0)
    max_http_connections: int = _setting("MAX_HTTP_CONNECTIONS", forms.count, 4000)
    max_address_connections: int = _setting("MAX_ADDRESS_CONNECTIONS", forms.count, 1000)
    rate_limit_user: Bucket = _setting("RATE_LIMIT_USER", forms.bucket, Bucket(50, 300))
    rate_limit_address: Bucket = _setting("RATE_LIMIT_ADDRESS", forms.bucket, Bucket(200, 1000))
    rate_limit_failures: Bucket = _setting("RATE_LIMIT_FAILURES", forms.bucket, Bucket(5, 100))
    rate_limit_new_conversations: Bucket = _setting("RATE_LIMIT_NEW_CONVERSATIONS", forms.bucket, Bucket(0.1, 200))
    rate_limit_new_people: Bucket = _setting("RATE_LIMIT_NEW_PEOPLE", forms.bucket, Bucket(1, 1000))
    rate_limit_reports: Bucket = _setting("RATE_LIMIT_REPORTS", forms.bucket, Bucket(0.01, 20))
    rate_limit_frames: Bucket = _setting("RATE_LIMIT_FRAMES", forms.bucket, Bucket(20, 100))
    rate_limit_key: Bucket = _setting("RATE_LIMIT_KEY", forms.bucket, Bucket(200, 1000))
    system_user_id: str = _setting("SYSTEM_USER_ID", forms.user_id, SYSTEM_USER_ID)
    handle_source: str = _setting("HANDLE_SOURCE", forms.one_of("token", "server"), "token")
    server_api: str = _setting("SERVER_API", forms.one_of("off", "on"), "off")
    before_send_url: str | None = _setting("BEFORE_SEND_URL", forms.url("http", "https"))
    before_send_ms: int = _setting("BEFORE_SEND_MS", forms.hook_ms, 800)
    before_send_fail: str = _setting("BEFORE_SEND_FAIL", forms.one_of("open", "hold", "closed"), "open")
    before_send_secret: str | None = _setting("BEFORE_SEND_SECRET", signing.secret)
    blocked_words: str | None = _setting("BLOCKED_WORDS", forms.text)
    blocked_words_action: str = _setting("BLOCKED_WORDS_ACTION", forms.one_of("reject", "flag"), "reject")
    evidence_days: int = _setting("EVIDENCE_DAYS", forms.count, 180)
    secrets_keys: tuple[bytes, ...] = _setting("SECRETS_KEY", forms.keys, ())
    webhook_allow: tuple[str, ...] = _setting("WEBHOOK_ALLOW", forms.hosts, ())
    webhook_deny: tuple[Network, ...] = _setting("WEBHOOK_DENY", forms.networks, ())
    analytics_min: int = _setting("ANALYTICS_MIN", forms.count, 5)
    audit_days: int = _setting("AUDIT_DAYS", forms.count, 400)
    trusted_proxies: tuple[Network, ...] = _setting("TRUSTED_PROXIES", forms.networks, ())
    data_dir: str = _setting("DATA_DIR", forms.text, ".data")
    pg_bin_dir: str | None = _setting("PG_BIN_DIR", forms.text)
    redis_server_bin: str | None = _setting("REDIS_SERVER_BIN", forms.text)
    log_level: str = _setting("LOG_LEVEL", forms.one_of("debug", "info", "warning", "error"), "info")
    log_format: str = _setting("LOG_FORMAT", forms.one_of("json", "console"), "json")
    push_preview: str = _setting("PUSH_PREVIEW", forms.one_of("full", "sender", "none"), "full")
    push_burst_seconds: float = _setting("PUSH_BURST_SECONDS", forms.seconds_or_zero, 5.0)
    trace_sample: float = _setting("TRACE_SAMPLE", forms.share, 0.0)
    trace_parent: str = _setting("TRACE_PARENT", forms.one_of("ignore", "honour"), "ignore")

    @property
    def internal_port(self) -> int:
        """INTERNAL_PORT, else PORT + 1000 (0, any free one, where PORT is 0). Raises SettingError for no port."""
        if self.internal_port_or_none is not None:
            return self.internal_port_or_none
        if self.port + 1000 > LAST_PORT:
            raise SettingError(f"INTERNAL_PORT is not set, and PORT + 1000 is above {LAST_PORT}")
        return self.port + 1000 if self.port else 0

    @property
    def link_key(self) -> bytes:
        """What signs links to files: MEDIA_LINK_SECRET, else a key that only who has SERVICE_TOKEN can make."""
        if self.media_link_secret is not None:
            return self.media_link_secret.encode()
        return links.derived_key(self.service_token or "")

    @property
    def has_s3(self) -> bool:
        """Whether files lie in S3, and not in a folder."""
        return self.s3_bucket is not None

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
    _refuse_test_hooks(environment)
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


def _refuse_test_hooks(environment: Mapping[str, str]) -> None:
    """Raises SettingError for a variable of the fault laboratory: whoever sets one means what no service does."""
    for name in TEST_HOOKS:
        if environment.get(name, "").strip():
            raise SettingError(f"{name} is set: no service of a deployment kills itself, only the laboratory's do")


def _parsed(name: str, raw: str, parse: Callable[[str], Any]) -> Any:
    """The raw value is not repeated in the error: it may be a secret."""
    try:
        return parse(raw)
    except ValueError as error:
        raise SettingError(f"{name} is malformed: {forms.hint(parse, error)}") from None


def environment() -> dict[str, str]:
    """The variables of this process that are set to something."""
    return {name: raw for name, raw in os.environ.items() if raw.strip()}


def from_environment(defaults: Mapping[str, str] | None = None) -> Settings:
    """Settings of this process; `defaults` are variables that count where they are not set. Raises SettingError."""
    return from_mapping({**(defaults or {}), **environment()})


VARIABLES: tuple[str, ...] = tuple(item.metadata["name"] for item in fields(Settings))
