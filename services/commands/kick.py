"""Closes a user's sockets; bans them, or lifts a ban."""

import argparse

import msgspec

from services import attached
from services.commands import EXIT_CODES, described
from services.fleet.asking import NEEDS, Failed, ask
from services.printing import say
from shared import operator_api as operators
from shared.ids import canonical_id
from shared.settings import SettingError, Settings

HELP = f"""
USER is the user's id, the `sub` of their tokens. Without an option their sockets close with 1012 on every gateway, and
their clients come back at once, with a fresh `connected`. With --ban they close with 4502 and the user is refused from
then on: at each connect, and by REST (403) within a second; no push goes out to them. --unban ends that.

{NEEDS}

  python -m services kick 7c9e6679-7425-40de-944b-e07fc1f90ae7
  python -m services kick 7c9e6679-7425-40de-944b-e07fc1f90ae7 --ban

{EXIT_CODES}
1 here: the user has no socket to close, was banned (or not) already, or Redis could not tell the gateways. A ban holds
all the same: gateways find out by themselves within a minute.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("user", metavar="USER", help="a UUID")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ban", action="store_true", help="and refuse them from now on")
    which.add_argument("--unban", action="store_true", help="refuse them no longer; closes nothing")
    parser.add_argument("--json", action="store_true", help="persistence's answer, for programs")
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    user_id = canonical_id(chosen.user)
    if user_id is None:
        raise SettingError(f"USER must be a UUID, not {chosen.user!r}")
    try:
        if chosen.ban or chosen.unban:
            question = operators.BanRequest(user_id, lift=chosen.unban)
            banned = await ask(settings, chosen, operators.BAN, question, operators.BanAnswer)
            return _tell(chosen, banned, _ban_text(user_id, banned, lift=chosen.unban), banned.changed and banned.told)
        kicked = await ask(settings, chosen, operators.KICK, operators.KickRequest(user_id), operators.KickAnswer)
        return _tell(chosen, kicked, _kick_text(user_id, kicked), kicked.online and kicked.told)
    except Failed as failed:
        say(str(failed))
        return 1


def _tell(chosen: argparse.Namespace, answer: msgspec.Struct, text: str, is_done: bool) -> int:
    say(msgspec.json.encode(answer).decode() if chosen.json else text)
    return 0 if is_done else 1


def _kick_text(user_id: str, answer: operators.KickAnswer) -> str:
    if not answer.told:
        return f"{user_id}: Redis is away, no gateway was told"
    return f"{user_id}: sockets closed" if answer.online else f"{user_id} has no socket"


def _ban_text(user_id: str, answer: operators.BanAnswer, *, lift: bool) -> str:
    if lift:
        return f"{user_id}: ban lifted" if answer.changed else f"{user_id} is not banned"
    done = "banned" if answer.changed else "is banned already"
    return f"{user_id}: {done}" if answer.told else f"{user_id}: {done}; Redis is away, sockets close within a minute"
