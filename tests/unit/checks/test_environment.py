"""What check-config says of settings alone."""

import resource

import pytest

from services.checks.environment import contradictions, missing, open_files, secrets, unknown
from services.checks.finding import Level
from shared.settings import from_mapping, readable

SECRET = "a secret of the tests that is longer than 32 bytes"
SOUND = {
    "DATABASE_URL": "postgres://db/parley",
    "REDIS_URL": "redis://redis",
    "PERSISTENCE_URL": "http://persistence:4001",
    "SERVICE_TOKEN": "a-token-that-is-long-enough",
    "JWT_SECRET": SECRET,
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "EXPO_ACCESS_TOKEN": "x",
}
ALL = ("gateway", "persistence", "pusher")


def found(**changes: str) -> set[tuple[str, str]]:
    """(level, subject) of everything that is said of sound settings with these changes."""
    settings = from_mapping({**SOUND, **changes})
    findings = [*missing(settings, ALL), *secrets(settings), *contradictions(settings, ALL)]
    assert not any(SECRET in one.text or SOUND["SERVICE_TOKEN"] in one.text for one in findings)
    return {(str(one.level), one.subject) for one in findings}


def test_of_sound_settings_nothing_is_said() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("changes", "level", "subject"),
    [
        ({"DATABASE_URL": ""}, "error", "DATABASE_URL"),
        ({"JWT_SECRET": ""}, "error", "JWT_SECRET"),
        ({"SERVER_API": "on"}, "error", "SECRETS_KEY"),
        ({"JWT_SECRET": "short"}, "error", "JWT_SECRET"),
        ({"SERVICE_TOKEN": SECRET}, "error", "SERVICE_TOKEN"),
        ({"JWT_JWKS_URL": "https://issuer/keys"}, "warning", "JWT_ISSUER"),
        ({"PORT": "3001", "INTERNAL_PORT": "3001"}, "error", "INTERNAL_PORT"),
        ({"PORT": "65000"}, "error", "INTERNAL_PORT"),
        ({"ALLOWED_ORIGINS": "*"}, "warning", "ALLOWED_ORIGINS"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "error", "TRUSTED_PROXIES"),
        ({"TRUSTED_PROXIES": ""}, "warning", "TRUSTED_PROXIES"),
        ({"LEASE_SECONDS": "60"}, "warning", "LEASE_SECONDS"),
        ({"LEASE_SECONDS": "1"}, "warning", "LEASE_SECONDS"),
        ({"PRESENCE_GRACE_SECONDS": "30"}, "warning", "PRESENCE_GRACE_SECONDS"),
        ({"DRAIN_SECONDS": "0"}, "warning", "DRAIN_SECONDS"),
        ({"DRAIN_SECONDS": "2"}, "warning", "DRAIN_SECONDS"),
        ({"ACCEPT_RATE": "10", "DRAIN_SECONDS": "3600"}, "warning", "ACCEPT_RATE"),
        ({"MAX_CONNECTION_AGE_SECONDS": "60"}, "warning", "MAX_CONNECTION_AGE_SECONDS"),
        ({"RATE_LIMIT_FRAMES": "20:5"}, "warning", "RATE_LIMIT_FRAMES"),
        ({"RATE_LIMIT_USER": "50:5"}, "warning", "RATE_LIMIT_USER"),
        ({"RATE_LIMIT_ADDRESS": "10:1000"}, "warning", "RATE_LIMIT_ADDRESS"),
        ({"ACK_TIMEOUT": "0.1"}, "warning", "ACK_TIMEOUT"),
        ({"EXPO_ACCESS_TOKEN": ""}, "warning", "EXPO_ACCESS_TOKEN"),
        ({"EXPO_PUSH_URL": "http://127.0.0.1:1"}, "warning", "EXPO_PUSH_URL"),
    ],
)
def test_what_is_missing_weak_or_contradictory_is_named(changes: dict[str, str], level: str, subject: str) -> None:
    assert (level, subject) in found(**changes)


def test_every_malformed_setting_is_told_and_the_others_are_read() -> None:
    settings, errors = readable({**SOUND, "PORT": "many", "ACK_TIMEOUT": "soon", "RATE_LIMIT_USER": "50"})
    assert [line.split()[0] for line in errors] == ["PORT", "ACK_TIMEOUT", "RATE_LIMIT_USER"]
    assert (settings.port, settings.redis_url) == (3001, "redis://redis")


def test_a_misspelt_setting_is_asked_about_and_foreign_ones_are_not() -> None:
    [one] = unknown({"MAX_CONECTIONS": "1", "PATH": "/bin", "KUBERNETES_PORT": "x", **SOUND})
    assert (one.subject, "MAX_CONNECTIONS" in one.text) == ("MAX_CONECTIONS", True)


def test_too_few_open_files_are_an_error_and_just_enough_a_warning() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    levels = [
        open_files(from_mapping({"MAX_CONNECTIONS": str(count)})).level
        for count in (soft + 1, soft - 1000, max(1, soft // 4))
    ]
    assert levels == [Level.ERROR, Level.WARNING, Level.OK]


def test_a_process_that_calls_others_addresses_needs_neither_database_nor_redis() -> None:
    findings = contradictions(from_mapping(SOUND), ["webhooks"])

    assert [(str(one.level), one.subject) for one in findings] == [("warning", "DATABASE_URL")]
