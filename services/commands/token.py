"""Prints a user's JWT: with JWT_SECRET where it is set, else with the development secret of `up`."""

import argparse
from pathlib import Path

from services.printing import say
from services.secret import existing_secret
from shared.auth import check_secret, mint
from shared.ids import canonical_id
from shared.settings import SettingError, Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user_id", metavar="USER_ID", help="a UUID")
    parser.add_argument("--handle", metavar="NAME", help="the name that others see")
    parser.add_argument(
        "--ttl", type=int, default=3600, metavar="SECONDS", help="how long it is good (default: an hour)"
    )
    parser.add_argument("--data", metavar="DIR", help="the data folder of `up` (default: DATA_DIR, else .data)")


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    user_id = canonical_id(chosen.user_id)
    if user_id is None:
        raise SettingError(f"USER_ID must be a UUID, not {chosen.user_id!r}")
    secret = _secret(settings, chosen)
    check_secret(secret)
    say(
        mint(
            secret,
            user_id,
            chosen.handle,
            chosen.ttl,
            audience=settings.jwt_audience,
            role=settings.jwt_role,
            issuer=settings.jwt_issuer,
            handle_claim=settings.handle_claims[0],
        )
    )
    return 0


def _secret(settings: Settings, chosen: argparse.Namespace) -> str:
    """No secret is made here: a token that no server takes would look like one that is good."""
    data = _data(settings, chosen)
    secret = settings.jwt_secrets[0] if settings.jwt_secrets else existing_secret(data)
    if secret is None:
        raise SettingError(f"JWT_SECRET is not set, and `up` never ran in {data}: start it once, or set JWT_SECRET")
    return secret


def _data(settings: Settings, chosen: argparse.Namespace) -> Path:
    return Path(chosen.data or settings.data_dir)
