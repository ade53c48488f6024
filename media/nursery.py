"""Asks the nursery (`media.confined`) to look at files, a few at a time, and starts another one where it dies."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter

from media.confined.look import RESULT

log = structlog.get_logger()

AT_ONCE = 2
"""Each may take 300 MB."""
WALL_SECONDS = 60.0
ROOT = Path(__file__).parents[1]
ENDED = Counter("parley_media_looks_total", "Files that were looked at, by how it ended.", ["outcome"])


class NurseryDied(Exception):
    """It ended while it had the file, and not of the file: look again later."""


class Nursery:
    """`close` ends its process."""

    def __init__(self, *, most_pixels: int) -> None:
        self._most_pixels = most_pixels
        self._room = asyncio.Semaphore(AT_ONCE)
        self._numbers = count(1)
        self._ended: dict[int, asyncio.Future[bool]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def look(self, source: Path, folder: Path, kind: str) -> dict[str, Any]:
        """What the confined process found; `{"reason": "broken"}` where it died of the file. Raises NurseryDied."""
        async with self._room:
            number, ended = next(self._numbers), asyncio.get_running_loop().create_future()
            job: dict[str, Any] = {"number": number, "source": str(source), "folder": str(folder), "kind": kind}
            job |= {"pixels": self._most_pixels, "size": await asyncio.to_thread(os.path.getsize, source)}
            try:
                await self._tell(job, ended)
                async with asyncio.timeout(WALL_SECONDS):
                    is_over = await ended
            except TimeoutError:
                await self.close()  # and with it the one that hangs; the others are looked at again
                is_over = True
            finally:
                self._ended.pop(number, None)
        if not is_over:
            raise NurseryDied
        return _result(folder / RESULT)

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()
        hearing, self._hearing = self._hearing, None
        if hearing is not None:
            await hearing  # to its end: it tells those who wait

    async def _tell(self, job: dict[str, Any], ended: asyncio.Future[bool]) -> None:
        """Race: one that died may still tell those who wait; a job is theirs to be told of only from its line on. Its
        end is heard before its exit code is known: a job given in between would wait for nobody, its file for broken.
        """
        async with self._starting:
            if self._process is None or self._process.returncode is not None or self._is_deaf:
                if self._hearing is not None:
                    await self._hearing
                await self._start()
            process = self._process
        assert process is not None
        assert process.stdin is not None
        self._ended[job["number"]] = ended
        process.stdin.write(json.dumps(job).encode() + b"\n")

    @property
    def _is_deaf(self) -> bool:
        """Nobody hears this process any more: it ended."""
        return self._hearing is None or self._hearing.done()

    async def _start(self) -> None:
        """Without any variable of ours: no secret is in its memory."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "media.confined", cwd=ROOT, env={},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._hearing = asyncio.create_task(self._hear(self._process), name="nursery")

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            ended = self._ended.get(int(line))
            if ended is not None and not ended.done():
                ended.set_result(True)
        if self._process is process:
            log.warning("the nursery ended by itself")
        for ended in self._ended.values():
            if not ended.done():
                ended.set_result(False)


def _result(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        ENDED.labels("died").inc()
        return {"reason": "broken"}
    ENDED.labels(found.get("reason", "ready")).inc()
    return dict(found)
