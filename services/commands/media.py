"""One media process, configured by the environment alone."""

import argparse

from services.processes import media_process
from services.processes import run as run_process
from shared.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Configured by the environment alone: see docs/setup-guide.md."


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    return await run_process(media_process(settings), settings)
