"""`python -m services up`, as a developer starts it: a process of its own, with a data folder of its own."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.fleet import ROOT

START_SECONDS = 60.0


@dataclass
class Up:
    """`url` is what its ready line said, once `ready` returned."""

    process: subprocess.Popen[bytes]
    data: Path
    log_path: Path
    url: str = ""

    async def ready(self) -> None:
        """Waits for its one line. Raises AssertionError with its log where it ends first."""
        async with asyncio.timeout(START_SECONDS):
            while "ready http://" not in self.output():
                assert self.process.poll() is None, self.log()[-3000:]
                await asyncio.sleep(0.05)
        self.url = self.output().split()[1]

    def output(self) -> str:
        return self.log_path.with_suffix(".out").read_text()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        """The embedded servers and what watches them."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def token(self, user_id: str, handle: str) -> str:
        """As the README makes one."""
        command = [sys.executable, "-m", "services", "token", user_id, "--handle", handle, "--data", str(self.data)]
        return subprocess.check_output(command, cwd=ROOT, text=True, env=_environment()).strip()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Gives the exit code."""
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, 30)


def spawn_up(data: Path, log_path: Path, *arguments: str, **settings: str) -> Up:
    """Started, not waited for."""
    with log_path.open("ab") as log, log_path.with_suffix(".out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "up", "--port", "0", "--data", str(data), *arguments],
            cwd=ROOT,
            env=_environment() | settings,
            stdout=output,
            stderr=log,
            start_new_session=True,
        )
    return Up(process, data, log_path)


async def start_up(data: Path, log_path: Path, *arguments: str, **settings: str) -> Up:
    """Started, and ready. Raises AssertionError with its log where it does not become so."""
    running = spawn_up(data, log_path, *arguments, **settings)
    try:
        await running.ready()
    except BaseException:
        running.process.kill()
        running.process.wait()
        raise
    return running


@contextlib.asynccontextmanager
async def started_up(data: Path, log_path: Path, *arguments: str, **settings: str) -> AsyncIterator[Up]:
    """Ended on leaving, whatever happened to it."""
    running = await start_up(data, log_path, *arguments, **settings)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            await running.stop()


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PG_BIN_DIR", "REDIS_SERVER_BIN")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1"}
