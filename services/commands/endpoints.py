"""Shows the webhooks of a deployment, and delivers again."""

import argparse
from datetime import UTC, datetime, timedelta

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Pool
from persistence.webhooks import deliveries, store
from persistence.webhooks.deliveries import Choice
from persistence.webhooks.views import Webhook
from services import attached, openings
from services.commands import EXIT_CODES, described
from services.fleet.operator import operator
from services.printing import say
from shared.ids import canonical_id
from shared.settings import SettingError, Settings
from shared.texts import escaped

HELP = f"""
`list` shows each webhook: whether it is active, since when it fails, and when it last worked. `replay` delivers again
what failed in the last --hours, or with --all everything, under the same ids; the log of deliveries is kept for seven
days.

needs: DATABASE_URL; without it the database of an `up` that runs (--data)

  python -m services endpoints list
  python -m services endpoints replay 7c9e6679-7425-40de-944b-e07fc1f90ae7 --hours 12

{EXIT_CODES}
1 here: there is no such webhook.
"""
MOST_HOURS = 24.0 * deliveries.KEPT_DAYS


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    does = parser.add_subparsers(dest="does", required=True, metavar="list|replay")
    replay = does.add_parser("replay")
    replay.add_argument("id", metavar="ID", help="a webhook's id")
    replay.add_argument("--hours", type=float, default=24.0, metavar="N", help="how far back (default: 24)")
    replay.add_argument("--all", action="store_true", help="also what was delivered")
    for one in (replay, does.add_parser("list")):
        attached.data_argument(one)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    if chosen.does == "replay":
        chosen.id = canonical_id(chosen.id)
        if chosen.id is None:
            raise SettingError("ID must be a webhook's id, as `endpoints list` shows it")
        if not 0 < chosen.hours <= MOST_HOURS:
            raise SettingError(f"--hours is malformed: a number above 0, at most {MOST_HOURS:.0f}")
    async with openings.database(attached.database_url(settings, chosen), size=1, wait_seconds=0) as pool:
        return await _replay(pool, chosen) if chosen.does == "replay" else await _list(pool)


async def _list(pool: Pool) -> int:
    say("\n".join(_line(one) for one in await store.everyone(pool)) or "there is no webhook")
    return 0


async def _replay(pool: Pool, chosen: argparse.Namespace) -> int:
    if await store.one(pool, chosen.id) is None:
        say(f"{chosen.id}: there is no such webhook")
        return 1
    since = datetime.now(UTC) - timedelta(hours=chosen.hours)
    replayed = await deliveries.replay(pool, chosen.id, Choice(since=since, all_states=chosen.all))
    entry = Entry("webhook.replay", "webhook", chosen.id, details={"replayed": replayed})
    await audit.note(pool, operator(), entry)
    say(f"{chosen.id}: {replayed} delivered again")
    return 0


def _line(one: Webhook) -> str:
    state = f"fails since {one.failing_since}" if one.failing_since else one.state
    reason = f" ({one.disabled_reason})" if one.disabled_reason else ""
    worked = one.last_success_at or "never"
    return f"{one.id}  {state}{reason}  worked {worked}  {','.join(one.events)}  {escaped(one.url)}"
