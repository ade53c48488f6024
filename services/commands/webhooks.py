"""One process that delivers webhooks, configured by the environment alone."""

import argparse

from services.processes import run as run_process
from services.processes import webhooks_process
from shared.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Configured by the environment alone: see docs/setup-guide.md. It needs no database and no Redis."


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    return await run_process(webhooks_process(settings), settings)
