"""The owner of a service's background tasks: each has a name, is watched, and is over when the owner is left."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from shared.lifecycle.stop import Stop, TaskFailed
from shared.metrics import ERRORS

log = structlog.get_logger()

T = TypeVar("T")

STOP_SECONDS = 5.0
"""How long cancelled tasks may take over their `finally` blocks before they are given up."""
CANCEL_AGAIN_SECONDS = 1.0


class Tasks:
    """Starts tasks, watches them, and cancels and awaits all of them on leaving `async with`.

    Enter it after what its tasks use (pools, clients), so that they are over before that is closed. A name is a
    constant: it is the `kind` in parley_errors_total.
    """

    def __init__(self, service: str, stop: Stop, *, stop_seconds: float = STOP_SECONDS) -> None:
        self.service = service
        self._stop = stop
        self._stop_seconds = stop_seconds
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        deadline = time.monotonic() + self._stop_seconds
        while self._tasks and (left := deadline - time.monotonic()) > 0:
            # Once may not do: on Python 3.11 asyncio.wait_for, which redis-py bounds each write with, swallows a
            # cancellation that comes in the moment when the write ends.
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(set(self._tasks), timeout=min(left, CANCEL_AGAIN_SECONDS))
        for task in self._tasks:
            log.error("task did not stop", task=task.get_name(), waited_seconds=self._stop_seconds)

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """A task that runs forever. If it ends, by itself or by an error, the whole process stops with TaskFailed."""
        self._own(work, name).add_done_callback(self._forever_ended)

    def start(self, work: Coroutine[Any, Any, object], *, name: str) -> None:
        """A task with an end that nobody awaits. If it fails, that is logged and counted, and the rest goes on."""
        _ = self._own(work, name)

    def call(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """The same for who does await it: they get its result, or its error."""
        return self._own(work, name)

    def periodically(self, interval_seconds: float, work: Callable[[], Awaitable[object]], *, name: str) -> None:
        """Calls `work` about every `interval_seconds` (± 10 %, so that replicas fall out of step), forever.

        A failure is logged, counted in parley_errors_total, and tried again at the next turn: give it only work for
        which that is enough. The first turn comes within one interval.
        """
        self.spawn(self._repeat(interval_seconds, work, name), name=name)

    async def _repeat(self, interval_seconds: float, work: Callable[[], Awaitable[object]], name: str) -> None:
        failures = 0
        await asyncio.sleep(interval_seconds * random.random())
        while True:
            try:
                await work()
                failures = 0
            except Exception as error:  # noqa: BLE001 - the promise of `periodically`: any failure is tried again
                failures += 1
                # One traceback an outage is enough; an outage of an hour would write thousands.
                trace = error if failures == 1 else None
                self._report("periodic work failed", name, error, trace, failures=failures)
            await asyncio.sleep(interval_seconds * random.uniform(0.9, 1.1))

    def _own(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        if self._closing:
            work.close()
            raise RuntimeError(f"the task {name!r} came after its owner began to stop")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._watch)
        return task

    def _forever_ended(self, task: asyncio.Task[None]) -> None:
        if not self._closing:
            failure = TaskFailed(task.get_name())
            failure.__cause__ = None if task.cancelled() else task.exception()
            self._stop.fail(failure)

    def _watch(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # What fails while its ground is being taken away is no fault to be traced.
            self._report("task failed", task.get_name(), error, None if self._closing else error)

    def _report(
        self, event: str, name: str, error: BaseException, trace: BaseException | None, **fields: object
    ) -> None:
        ERRORS.labels(self.service, name).inc()
        log.error(event, task=name, error=f"{type(error).__name__}: {error}", exc_info=trace, **fields)
