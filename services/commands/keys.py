"""Makes, lists and revokes the keys of the app's own server."""

import argparse
from datetime import UTC, datetime, timedelta

from persistence.database.pool import Pool
from persistence.keys import store
from persistence.keys.scopes import EVERY, SCOPES
from persistence.keys.views import ServerKey, TooManyKeys
from services import attached, openings
from services.commands import EXIT_CODES, described
from services.fleet.operator import operator
from services.printing import say
from shared import texts
from shared.auth.server_key import PREFIX
from shared.ids import canonical_id
from shared.settings import SettingError, Settings

HELP = f"""
`create` prints the key alone on one line: it is shown now and never again. A scope is one of
{", ".join(SCOPES)};
with `:read` after it a key may only read. Two keys that live at a time make a rotation. `revoke` takes the id that
`list` shows, or the key itself; within a second no process takes that key any more. Keys count where SERVER_API=on.

needs: DATABASE_URL; without it the database of an `up` that runs (--data)

  python -m services keys create backend --scopes users,conversations,messages
  python -m services keys create reports --scopes analytics:read --days 90
  python -m services keys list
  python -m services keys revoke 7c9e6679-7425-40de-944b-e07fc1f90ae7

{EXIT_CODES}
"""
MOST_DAYS = 3650.0


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    does = parser.add_subparsers(dest="does", required=True, metavar="create|list|revoke")
    create = does.add_parser("create")
    create.add_argument("name", metavar="NAME", help="what it is for")
    create.add_argument("--scopes", required=True, metavar="A,B", help="what it may do, separated by commas")
    create.add_argument("--days", type=float, metavar="N", help="for how long (default: until it is revoked)")
    revoke = does.add_parser("revoke")
    revoke.add_argument("id", metavar="ID", help="a key's id, or the key")
    for one in (create, revoke, does.add_parser("list")):
        attached.data_argument(one)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    does = {"create": _create, "list": _list, "revoke": _revoke}[chosen.does]
    checked = _checked(chosen)
    async with openings.database(attached.database_url(settings, chosen), size=1, wait_seconds=0) as pool:
        return await does(pool, checked)


def _checked(chosen: argparse.Namespace) -> argparse.Namespace:
    """Raises SettingError for a mistake in the arguments."""
    if chosen.does == "create":
        chosen.name = texts.line(chosen.name)[:100]
        chosen.scopes = [word.strip() for word in chosen.scopes.split(",") if word.strip()]
        unknown = [scope for scope in chosen.scopes if scope not in EVERY]
        if unknown or not chosen.scopes or not chosen.name:
            raise SettingError(f"--scopes must be some of {', '.join(SCOPES)}, and NAME must show something")
        if chosen.days is not None and not 0 < chosen.days <= MOST_DAYS:
            raise SettingError(f"--days is malformed: a number above 0, at most {MOST_DAYS:.0f}")
    if chosen.does == "revoke":
        chosen.id = _key_id(chosen.id)
    return chosen


def _key_id(given: str) -> str:
    digits = given.removeprefix(PREFIX).partition("_")[0].replace("-", "")
    known = canonical_id("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
    if known is None:
        raise SettingError("ID must be a key's id, as `keys list` shows it, or the key")
    return known


async def _create(pool: Pool, chosen: argparse.Namespace) -> int:
    until = None if chosen.days is None else datetime.now(UTC) + timedelta(days=chosen.days)
    made = await store.create(pool, operator(), chosen.name, chosen.scopes, until)
    if isinstance(made, TooManyKeys):
        say(f"{made.most} keys live already: revoke one")
        return 1
    say(made.text)
    return 0


async def _list(pool: Pool, _: argparse.Namespace) -> int:
    say("\n".join(_line(key) for key in await store.everyone(pool)) or "there is no key")
    return 0


async def _revoke(pool: Pool, chosen: argparse.Namespace) -> int:
    revoked = await store.revoke(pool, operator(), chosen.id)
    say(f"{chosen.id}: {'revoked' if revoked else 'no such key lives'}")
    return 0 if revoked else 1


def _line(key: ServerKey) -> str:
    state = f"revoked {key.revoked_at}" if key.revoked_at else f"until {key.expires_at}" if key.expires_at else "lives"
    return f"{key.id}  {state}  used {key.last_used_at or 'never'}  {','.join(key.scopes)}  {key.name}"
