"""Fixtures that every test may ask for; what they do is in tests/support/."""

from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = ["tests.support.servers"]


@pytest.fixture(autouse=True)
def _logging_is_each_tests_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that configures logging, as each service does at its start, leaves no other test deaf.

    Loggers are not cached meanwhile: a module's logger would keep the level of whoever configured it first.
    """
    configure = structlog.configure

    def without_cache(**settings: object) -> None:
        configure(**{**settings, "cache_logger_on_first_use": False})  # type: ignore[arg-type]

    monkeypatch.setattr(structlog, "configure", without_cache)
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
