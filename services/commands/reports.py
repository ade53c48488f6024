"""Shows what waits for a moderator: what was reported, what was sent unchecked, and what is held back."""

import argparse
from datetime import UTC, datetime

import msgspec

from persistence.moderation import items
from persistence.moderation.views import Item
from services import attached, openings
from services.commands import EXIT_CODES, described
from services.printing import say
from shared.settings import Settings
from shared.texts import escaped

HELP = f"""
A line for each item of the review queue on which nobody decided, in the order of the queue: the highest score first,
then the oldest. It shows no text: evidence is read through GET /moderation/items/ID, which the audit log notes.

needs: DATABASE_URL; without it the database of an `up` that runs (--data)

  python -m services reports
  python -m services reports --kind held
  python -m services reports --json | jq .score

{EXIT_CODES}
"""
MOST = 1000


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("--kind", choices=["message", "user", "held"], help="default: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with openings.database(attached.database_url(settings, chosen), size=1, wait_seconds=0) as pool:
        page = await items.page(pool, state=None, kind=chosen.kind, user_id=None, after=None, limit=MOST)
    lines = [msgspec.json.encode(one).decode() if chosen.json else _line(one) for one in page.items]
    if page.next is not None and not chosen.json:
        lines.append(f"and more: these are the first {MOST:,}")
    if lines or not chosen.json:
        say("\n".join(lines) or "nothing waits")
    return 0


def _line(one: Item) -> str:
    waits = datetime.now(UTC) - datetime.fromisoformat(one.created_at)
    claimed = f"  claimed by {escaped(one.claimed_by)}" if one.claimed_by else ""
    reasons = ",".join(one.reasons) or "-"
    weight = f"score {one.score}  {one.reports} reports  {reasons}"
    return f"{one.id}  {one.kind}  {weight}  {waits.total_seconds() / 3600:.1f} h  {one.author.id}{claimed}"
