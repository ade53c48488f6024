"""Shows the dead letters of the pushers, puts them back into the stream, or drops them."""

import argparse
import re

from pusher.dead_letters import DeadLetter, DeadLetters
from services import attached, openings
from services.printing import say
from shared.clock import iso_from_ms
from shared.redis import REDIS_FAILURES
from shared.settings import SettingError, Settings
from shared.texts import escaped

SHOWN_BYTES = 300
"""Of an entry: enough to see what it was."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "retry", "drop"))
    parser.add_argument("ids", nargs="*", metavar="ID", help="of a letter, as `list` shows it")
    parser.add_argument("--all", action="store_true", help="every letter there is, for retry and drop")
    attached.data_argument(parser)
    parser.epilog = "Uses REDIS_URL, else the Redis of an `up` that runs."


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    _check(chosen)
    async with openings.redis_client(attached.redis_url(settings, chosen), settings.redis_prefix) as redis:
        try:
            return await _act(DeadLetters(redis), chosen)
        except REDIS_FAILURES as error:
            raise SettingError(f"REDIS_URL: {error}") from None


async def _act(letters: DeadLetters, chosen: argparse.Namespace) -> int:
    if chosen.action == "list":
        say("\n".join(map(_line, await letters.all())) or "no dead letters")
        return 0
    ids = [letter.id for letter in await letters.all()] if chosen.all else chosen.ids
    count = await (letters.retry(ids) if chosen.action == "retry" else letters.drop(ids))
    say(f"{_DONE[chosen.action]} {count}")
    return 0 if count == len(set(ids)) else 1


def _check(chosen: argparse.Namespace) -> None:
    """Raises SettingError for a mistake that argparse does not see."""
    if chosen.action == "list":
        if chosen.ids or chosen.all:
            raise SettingError("list takes no letters: it shows all of them")
    elif bool(chosen.ids) == chosen.all:
        raise SettingError(f"{chosen.action} takes letters' ids, or --all")
    for one in chosen.ids:
        if not re.fullmatch(r"\d{1,19}-\d{1,19}", one):
            raise SettingError(f"{one!r} is no letter's id, such as 1700000000000-0")


def _line(letter: DeadLetter) -> str:
    shown = escaped(letter.raw[:SHOWN_BYTES].decode(errors="backslashreplace"))
    return f"{letter.id}  {iso_from_ms(letter.at_ms)}  {escaped(letter.reason)}\n    {shown}"


_DONE = {"retry": "put back", "drop": "dropped"}
