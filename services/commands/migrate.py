"""Applies pending migrations, names each, and says so where there is none."""

import argparse

from persistence.database.migrate import migrate
from services.printing import say
from shared.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Uses DATABASE_URL: a direct connection, not PgBouncer in transaction mode."


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    settings.require("DATABASE_URL")
    applied = await migrate(settings.database_url or "")
    say("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
    return 0
