"""An operator's command, run as they run it: a process of its own, with the settings that they have."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from tests.support.fleet import ROOT, Fleet

PATIENCE = 60.0


@dataclass
class Outcome:
    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def command(*arguments: str, **settings: str) -> Outcome:
    """Runs `python -m services ARGUMENTS` to its end, with these settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", *arguments),
        cwd=ROOT,
        env={**kept, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(PATIENCE):
        out, error = await process.communicate()
    assert process.returncode is not None
    return Outcome(process.returncode, out.decode(), error.decode())


def settings_of(running: Fleet, *names: str) -> dict[str, str]:
    """What an operator of this fleet has."""
    return {name: running.base[name] for name in names}
