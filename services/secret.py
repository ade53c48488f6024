"""The secrets of `up`: random, made once, kept in the data folder for its owner alone."""

import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile

from shared.settings import SettingError

SECRET_FILE = "jwt-secret"
SERVICE_TOKEN_FILE = "service-token"
SECRETS_KEY_FILE = "secrets-key"


def development_secret(data: Path) -> str:
    """The secret of users' tokens in `data`, made at first use. Two processes that start together agree on one.

    Raises SettingError where `data` is no folder that we may write.
    """
    return _secret(data / SECRET_FILE)


def service_token(data: Path) -> str:
    """The same for SERVICE_TOKEN: so operators' commands reach an `up` that runs there."""
    return _secret(data / SERVICE_TOKEN_FILE)


def secrets_key(data: Path) -> bytes:
    """The same for SECRETS_KEY: whoever loses it gives every webhook a new secret."""
    return bytes.fromhex(_secret(data / SECRETS_KEY_FILE))


def _secret(path: Path) -> str:
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path)
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(f"DATA_DIR: {path.parent} cannot hold the data: {error.strerror or error}") from None


def existing_secret(data: Path) -> str | None:
    """The secret in `data`; None where there is none, as beside a deployment that is not of this folder."""
    path = data / SECRET_FILE
    return path.read_text().strip() if path.exists() else None


def _create(path: Path) -> None:
    """A link appears with its whole content or not at all, and only one of two that race makes it."""
    with NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
        draft.write(secrets.token_hex(32))
        draft.flush()
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return
