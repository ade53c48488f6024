"""Servers that are not Parley's own: started pinned, watched, ended by their id."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.machine import SERVER_CPU, pinned

ROOT = Path(__file__).parents[3]
START_SECONDS = 20.0
PYTHON = sys.executable


class DidNotStart(Exception):
    """The text has the end of its log."""


@asynccontextmanager
async def server(
    command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[int]:
    """Runs it on SERVER_CPU; yields its pid once its port answers. Raises DidNotStart."""
    with log.open("ab") as output, pinned(SERVER_CPU):
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _until_open(child, port, log)
        yield child.pid
    finally:
        await asyncio.to_thread(_stop, child)


async def _until_open(child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(int(START_SECONDS / 0.05)):
        if child.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.05)
    raise DidNotStart(f"{log.stem}: {log.read_text(errors='replace')[-500:]}")


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
