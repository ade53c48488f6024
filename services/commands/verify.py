"""Checks a running deployment: does it lose, duplicate or reorder? In conversations of its own, purged afterwards."""

import argparse
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import jwt

from services.printing import say
from services.secret import existing_secret
from services.verify.rest import Target
from services.verify.scenario import CannotVerify, Report, User, verify
from shared.api import PURGE
from shared.auth import mint
from shared.ids import canonical_id, new_id
from shared.settings import SettingError, Settings

EXAMPLES = """
With the deployment's secret (JWT_SECRET, or `up`'s data folder) it makes users of its own; else give it their tokens:
  python -m services verify --url https://chat.example --tokens tokens.txt
With the internal address and SERVICE_TOKEN it removes its conversations for good:
  SERVICE_TOKEN=… python -m services verify --url https://chat.example --internal-url http://10.0.0.7:4001
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--url", required=True, help="where apps reach the deployment")
    parser.add_argument("--socket-url", help="where the gateways are, if elsewhere")
    parser.add_argument("--internal-url", help="persistence's internal address, to purge through (with SERVICE_TOKEN)")
    parser.add_argument("--tokens", type=Path, metavar="FILE", help="users' JWTs, one a line")
    parser.add_argument("--data", metavar="DIR", help="the data folder of `up`, for its development secret")
    parser.add_argument("--users", type=_positive, default=6, help="how many, where it makes them (default 6)")
    parser.add_argument("--messages", type=_positive, default=300, help="how many are sent (default 300)")
    parser.add_argument("--seconds", type=_positive, default=15, help="over how long (default 15)")
    parser.add_argument("--seed", type=int, default=1, help="of the choices that the clients make")


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    target = Target(_url(chosen.url, "--url"), _url(chosen.socket_url or chosen.url, "--socket-url"))
    try:
        report = await verify(
            target, _users(settings, chosen), messages=chosen.messages, seconds=chosen.seconds, seed=chosen.seed
        )
    except CannotVerify as error:
        raise SettingError(f"cannot verify {chosen.url}: {error}") from None
    _print(report, await _purge(settings, chosen, report))
    return 1 if report.violations else 0


def _users(settings: Settings, chosen: argparse.Namespace) -> list[User]:
    if chosen.tokens is not None:
        return [_user_of(token) for token in _read(chosen.tokens).split()]
    secret = settings.jwt_secrets[0] if settings.jwt_secrets else None
    secret = secret or existing_secret(Path(chosen.data or settings.data_dir))
    if secret is None:
        raise SettingError("no way in: set JWT_SECRET, or give --data (the data folder of `up`) or --tokens")
    return [_made(settings, secret, f"verify-{number}") for number in range(chosen.users)]


def _made(settings: Settings, secret: str, handle: str) -> User:
    """Somebody new, with a token that this deployment takes."""
    user_id = new_id()
    audience, role, issuer = settings.jwt_audience, settings.jwt_role, settings.jwt_issuer
    return User(
        user_id,
        mint(
            secret, user_id, handle, audience=audience, role=role, issuer=issuer, handle_claim=settings.handle_claims[0]
        ),
    )


def _read(tokens: Path) -> str:
    try:
        return tokens.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"--tokens: {error}") from None


def _user_of(token: str) -> User:
    """Whose token it is: the deployment, not this command, decides whether it is good."""
    try:
        user_id = canonical_id(jwt.decode(token, options={"verify_signature": False}).get("sub"))
    except jwt.InvalidTokenError:
        user_id = None
    if user_id is None:
        raise SettingError("--tokens has a line that is no user's JWT")
    return User(user_id, token)


async def _purge(settings: Settings, chosen: argparse.Namespace, report: Report) -> str:
    """Removes the conversations for good, where it may; what became of them."""
    left = f"left behind: {len(report.conversations)}"
    if chosen.internal_url is None or settings.service_token is None:
        return f"{left} (give --internal-url and SERVICE_TOKEN)"
    url = _url(chosen.internal_url, "--internal-url") + PURGE
    headers = {"Authorization": f"Bearer {settings.service_token}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(url, json={"conversations": report.conversations}) as response,
        ):
            return "purged" if response.status == 200 else f"{left} ({url} answered {response.status})"
    except aiohttp.ClientError as error:
        return f"{left} ({error})"


def _print(report: Report, conversations: str) -> None:
    say(f"{report.messages} messages, {report.devices} devices, {report.reconnects} reconnects")
    say("\n".join(f"VIOLATION {one}" for one in report.violations) or "nothing lost, nothing twice, one order for all")
    say(f"conversations {conversations}")


def _url(text: str, option: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"{option} must be http://HOST or https://HOST, not {text}")
    return text.rstrip("/")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
