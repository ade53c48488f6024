"""Makes older messages ready to be found, from the first one on, and tells how far it is."""

import argparse

from persistence.database.pool import Pool
from persistence.search import filling
from services import attached, openings
from services.commands import EXIT_CODES, described
from services.printing import say
from shared.settings import Settings

HELP = f"""
Persistence does this by itself after an upgrade, one process at a time. Run it once more when the last process of a
release that knew no search has stopped: what that one sent meanwhile is made ready then. Nothing is written twice, and
it may be stopped and begun again; a persistence process goes on where it was.

needs: DATABASE_URL; without it the database of an `up` that runs (--data)

  python -m services search-fill

{EXIT_CODES}
"""

TELL_EVERY = 100
"""Batches."""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with openings.database(attached.database_url(settings, chosen), size=2, wait_seconds=0) as pool:
        about = await filling.about(pool)
        await filling.restart(pool)
        total = await _fill(pool, about)
    say(f"{total:,} messages read: all can be found")
    return 0


async def _fill(pool: Pool, about: int) -> int:
    """Also where a persistence process takes a turn in between."""
    batches = 0
    while (progress := await filling.progress(pool)).done_at is None:
        if batches % TELL_EVERY == TELL_EVERY - 1:
            say(f"{progress.messages_read:,} of about {max(about, progress.messages_read):,} messages")
        await filling.fill(pool)
        batches += 1
    return progress.messages_read
