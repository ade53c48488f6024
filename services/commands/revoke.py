"""Revokes a sign-in: its sockets close, and its tokens are refused."""

import argparse

import msgspec

from services import attached
from services.commands import EXIT_CODES, described
from services.fleet.asking import NEEDS, Failed, ask
from services.printing import say
from shared import operator_api
from shared.ids import LONGEST_SESSION_ID, is_session_id
from shared.settings import SettingError, Settings

DAY_SECONDS = 86_400.0
MOST_DAYS = operator_api.LONGEST_REVOCATION_SECONDS / DAY_SECONDS

HELP = f"""
SESSION is the `session_id` of a token: the sign-in that it came from, the id of a row in Supabase's auth.sessions. Its
sockets close with 4503 on every gateway. Its tokens, those renewed later too, are refused: at each connect at once, by
REST (401) within a second. The devices that it registered get no more pushes, also when --days are over: another
sign-in may register them again. Choose no fewer --days than the longest life of a token. Other sign-ins of the user
stay. Ending the session at the issuer as well keeps new tokens from being made.

{NEEDS}

  python -m services revoke 0f8fad5b-d9cb-469f-a165-70867728950e
  python -m services revoke 0f8fad5b-d9cb-469f-a165-70867728950e --days 7

{EXIT_CODES}
1 here: it is revoked, but Redis could not tell the gateways: open sockets close within a minute.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("session", metavar="SESSION", help="a token's session_id")
    parser.add_argument("--days", type=float, default=30.0, metavar="N", help="for how long (default: 30)")
    parser.add_argument("--json", action="store_true", help="persistence's answer, for programs")
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    session_id = chosen.session.strip()
    if not is_session_id(session_id):
        words = f"SESSION must have 1 to {LONGEST_SESSION_ID} characters without controls: a token's session_id"
        raise SettingError(words)
    if not 0 < chosen.days <= MOST_DAYS:
        raise SettingError(f"--days is malformed: a number above 0, at most {MOST_DAYS:.0f}")
    question = operator_api.RevokeRequest(session_id, chosen.days * DAY_SECONDS)
    try:
        answer = await ask(settings, chosen, operator_api.REVOKE, question, operator_api.RevokeAnswer)
    except Failed as failed:
        say(str(failed))
        return 1
    text = "revoked" if answer.told else "revoked; Redis is away, open sockets close within a minute"
    say(msgspec.json.encode(answer).decode() if chosen.json else f"{session_id}: {text}")
    return 0 if answer.told else 1
