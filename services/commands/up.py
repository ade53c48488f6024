"""Everything in one process, for a developer or a small installation."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from services.printing import say
from services.processes import run as run_process
from services.up import up
from shared.lifecycle import Stop
from shared.setting_forms import LAST_PORT
from shared.settings import SettingError, Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="H", help="address to listen on (default: HOST, else 127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="P", help="its port; 0 for any free one (default: PORT, else 3001)")
    parser.add_argument("--data", metavar="DIR", help="where the embedded servers keep their data (default: .data)")
    parser.add_argument("--no-demo", action="store_true", help="without the demo page and its tokens")


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    settings = _overridden(settings, chosen)

    @asynccontextmanager
    async def process(stop: Stop) -> AsyncIterator[None]:
        async with up(settings, stop, with_demo=not chosen.no_demo) as url:
            say(f"ready {url}")
            if sys.stdout.isatty():
                say(_banner(url, settings, with_demo=not chosen.no_demo))
            yield

    return await run_process(process, settings)


def _banner(url: str, settings: Settings, *, with_demo: bool) -> str:
    """For who reads along: where everything is, and how to stop."""
    data = Path(settings.data_dir).absolute()
    lines = [
        f"app      {url}/" if with_demo else f"app      {url} (without the demo page)",
        f"docs     {url}/docs",
        "users    python -m services token UUID --handle NAME makes a token; in the demo any name signs in",
        f"data     {data} (delete it to start anew)",
        "stop     Ctrl-C",
    ]
    return "\n".join(f"  {line}" for line in lines)


def _overridden(settings: Settings, chosen: argparse.Namespace) -> Settings:
    if chosen.port is not None and not 0 <= chosen.port <= LAST_PORT:
        raise SettingError(f"--port is malformed: a port from 0 to {LAST_PORT}")
    return replace(
        settings,
        host=chosen.host or settings.host,
        port=settings.port if chosen.port is None else chosen.port,
        data_dir=chosen.data or settings.data_dir,
    )
