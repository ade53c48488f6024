import pytest

from shared.settings import SettingError, from_mapping


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://host/parley"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_PREFIX", "{all on one node}"),
        ("PORT", "65536"),
        ("INTERNAL_PORT", "-1"),
        ("PERSISTENCE_URL", "persistence:4001"),
        ("JWT_JWKS_URL", "ftp://issuer.example"),
        ("ALLOWED_ORIGINS", "https://app.example, app.example"),
        ("ALLOWED_ORIGINS", "https://app.example/page"),
        ("ACK_TIMEOUT", "nan"),
        ("HEARTBEAT_SECONDS", "0"),
        ("PRESENCE_GRACE_SECONDS", "-1"),
        ("DRAIN_SECONDS", "soon"),
        ("DATABASE_POOL", "1.5"),
        ("MAX_CONNECTIONS", "many"),
        ("MAX_USER_CONNECTIONS", "0"),
        ("ACCEPT_RATE", "inf"),
        ("RATE_LIMIT_USER", "50"),
        ("RATE_LIMIT_ADDRESS", "0:10"),
        ("RATE_LIMIT_FRAMES", "20:nan"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRACE_SAMPLE", "1.5"),
        ("TRACE_SAMPLE", "nan"),
        ("TRACE_PARENT", "yes"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_malformed_setting_is_named_in_one_line_that_does_not_repeat_it(variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable} is malformed: ") as raised:
        from_mapping({variable: value})
    assert "\n" not in str(raised.value)
    assert "number of seconds" not in str(raised.value) or variable.endswith(("SECONDS", "TIMEOUT"))


def test_web_and_app_origins_are_taken() -> None:
    origins = "https://app.example, http://localhost:8081/ ,capacitor://localhost,*"

    assert len(from_mapping({"ALLOWED_ORIGINS": origins}).allowed_origins) == 4


def test_the_internal_port_lies_a_thousand_above_the_public_one() -> None:
    assert from_mapping({}).internal_port == 4001
    assert from_mapping({"PORT": "5000", "INTERNAL_PORT": "9"}).internal_port == 9


def test_a_public_port_too_high_for_that_wants_the_internal_one_named() -> None:
    assert from_mapping({"PORT": "65000", "INTERNAL_PORT": "9"}).internal_port == 9
    with pytest.raises(SettingError, match=r"^INTERNAL_PORT "):
        _ = from_mapping({"PORT": "65000"}).internal_port
