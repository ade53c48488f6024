"""Starts of the embedded Redis that are killed at their Nth line, each in a fork: `python -m … DIRECTORY POINTS`.

Prints how many points were reached. Exits with 1, and says where, after the first start that did not come up again, or
that left a server which its next start did not end.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from tests.support.servers import new_redis

EMBEDDED = f"{os.sep}services{os.sep}embedded{os.sep}"


class KilledAt:
    """A trace function that ends the process, as by SIGKILL, at its Nth line of services/embedded."""

    def __init__(self, line: int) -> None:
        self._left = line

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if EMBEDDED not in frame.f_code.co_filename:
            return None
        if event == "line":
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


async def start(directory: Path) -> None:
    async with new_redis(directory):
        pass


def killed(directory: Path, line: int) -> bool:
    """Whether the start was killed; False where it was over before that line."""
    pid = os.fork()
    if pid == 0:
        sys.settrace(KilledAt(line))
        asyncio.run(start(directory))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def listeners(directory: Path) -> list[int]:
    """Redis processes that work in this directory."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if "valkey" in process.info["name"] and process.cwd().startswith(str(directory)):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def main(directory: Path, points: list[int]) -> int:
    reached = 0
    for line in points:
        if not killed(directory, line):
            break
        reached += 1
        asyncio.run(start(directory))
        if left := listeners(directory):
            sys.stdout.write(f"killed at line {line}: {left} still run\n")
            return 1
    sys.stdout.write(f"{reached}\n")
    return 0


sys.exit(main(Path(sys.argv[1]), [int(word) for word in sys.argv[2].split(",")]))
