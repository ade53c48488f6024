"""Where a command finds what it needs: where the settings say, else in the data folder of an `up` that runs."""

import argparse
from pathlib import Path

from services.embedded import EmbeddedPostgres, EmbeddedRedis
from services.embedded.server import PORT_FILE
from services.secret import SERVICE_TOKEN_FILE
from shared.settings import SettingError, Settings


def data_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="the data folder of `up` (default: DATA_DIR, else .data)")


def database_url(settings: Settings, chosen: argparse.Namespace) -> str:
    """Raises SettingError where neither is there."""
    if settings.database_url:
        return settings.database_url
    data = _data(settings, chosen)
    bin_dir = Path(settings.pg_bin_dir) if settings.pg_bin_dir else None
    return EmbeddedPostgres(data, port=_port(data / "postgres", "DATABASE_URL"), bin_dir=bin_dir).url


def redis_url(settings: Settings, chosen: argparse.Namespace) -> str:
    """Raises SettingError where neither is there."""
    if settings.redis_url:
        return settings.redis_url
    data = _data(settings, chosen)
    binary = Path(settings.redis_server_bin) if settings.redis_server_bin else None
    return EmbeddedRedis(data, port=_port(data / "redis", "REDIS_URL"), binary=binary).url


def service_token(settings: Settings, chosen: argparse.Namespace) -> str:
    """Raises SettingError where neither is there."""
    if settings.service_token:
        return settings.service_token
    try:
        return (_data(settings, chosen) / SERVICE_TOKEN_FILE).read_text().strip()
    except OSError:
        raise SettingError(f"SERVICE_TOKEN is not set, and `up` never ran in {_data(settings, chosen)}") from None


def _data(settings: Settings, chosen: argparse.Namespace) -> Path:
    return Path(chosen.data or settings.data_dir)


def _port(directory: Path, variable: str) -> int:
    try:
        return int((directory / PORT_FILE).read_text())
    except (OSError, ValueError):
        raise SettingError(f"{variable} is not set, and `up` never ran in {directory.parent}") from None
