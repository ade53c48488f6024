"""One measurement in a process of its own: python -m tests.bench.job, a job as JSON on stdin, its numbers on stdout."""

import asyncio
import gc
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.machine import LOAD_CPU, favour, pinned
from tests.bench.plan import Job
from tests.bench.seats import Seats
from tests.bench.systems.nats import Nats
from tests.bench.systems.over_redis import Limit, PlainAiohttp, SocketIo
from tests.bench.systems.parley import Parley
from tests.bench.systems.system import System
from tests.bench.workloads.outcomes import Numbers

SYSTEMS: dict[str, type[System]] = {system.name: system for system in (Parley, Limit, PlainAiohttp, SocketIo, Nats)}


async def measure(job: Job, directory: Path) -> Numbers:
    """Starts the system, works it, ends it."""
    workload = importlib.import_module(f"tests.bench.workloads.{job.workload}")
    seats: Callable[..., Seats] | Seats = workload.SEATS
    taken = seats if isinstance(seats, Seats) else seats(**job.seats)
    run: Callable[..., Coroutine[Any, Any, Numbers]] = workload.run
    system = SYSTEMS[job.system](directory, taken, **getattr(workload, "SYSTEM", {}), **job.start)
    async with AsyncExitStack() as stack:
        await system.start(stack)
        if job.niceness:
            _favour(system, job.niceness)
        return await run(system, **job.options)


def _favour(system: System, niceness: int) -> None:
    """Linux limits how often this may be asked for, so each session is asked for once."""
    os.setsid()
    groups = system.groups
    for name in groups:
        for pid in groups[name][1]:
            favour(pid, niceness)
    favour(os.getpid(), niceness)


def main() -> None:
    job = Job.from_json(json.load(sys.stdin))
    gc.disable()  # the client's own collections must not show as the server's latency
    with (
        pinned(LOAD_CPU),
        tempfile.TemporaryDirectory(prefix="parley-bench-") as directory,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        Path(directory).chmod(0o755)  # Postgres may run as another user than root
        print(json.dumps(runner.run(measure(job, Path(directory)))))


if __name__ == "__main__":
    main()
