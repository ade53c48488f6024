"""Makes a user a moderator or an admin, or takes that back."""

import argparse

from persistence.staff import store
from persistence.staff.ranks import Rank
from services import attached, openings
from services.commands import EXIT_CODES, described
from services.fleet.operator import operator
from services.printing import say
from shared.ids import canonical_id
from shared.settings import SettingError, Settings

HELP = f"""
USER is the user's id, the `sub` of their tokens. A moderator may ask for what lies below /moderation, an admin for that
and for keys and webhooks too; both sign in as everybody does. A user has one role: another takes its place. Within a
second every process knows. The audit log names who ran this.

needs: DATABASE_URL; without it the database of an `up` that runs (--data)

  python -m services roles grant 7c9e6679-7425-40de-944b-e07fc1f90ae7 moderator
  python -m services roles revoke 7c9e6679-7425-40de-944b-e07fc1f90ae7 moderator
  python -m services roles list

{EXIT_CODES}
1 here: that was so already.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    does = parser.add_subparsers(dest="does", required=True, metavar="grant|revoke|list")
    for name in ("grant", "revoke"):
        one = does.add_parser(name)
        one.add_argument("user", metavar="USER", help="a UUID")
        one.add_argument("role", choices=[rank.value for rank in Rank])
        attached.data_argument(one)
    attached.data_argument(does.add_parser("list"))


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with openings.database(attached.database_url(settings, chosen), size=1, wait_seconds=0) as pool:
        if chosen.does == "list":
            people = await store.everybody(pool)
            say(
                "\n".join(f"{user_id}  {rank.value}" for user_id, rank in sorted(people.items())) or "nobody has a role"
            )
            return 0
        user_id = canonical_id(chosen.user)
        if user_id is None:
            raise SettingError(f"USER must be a UUID, not {chosen.user!r}")
        change = store.grant if chosen.does == "grant" else store.revoke
        changed = await change(pool, operator(), user_id, Rank(chosen.role))
    was = "was so already" if chosen.does == "grant" else "had not that role"
    say(
        f"{user_id}: {chosen.role} {chosen.does}{'ed' if chosen.does == 'grant' else 'd'}"
        if changed
        else f"{user_id}: {was}"
    )
    return 0 if changed else 1
