"""Runs one process from its start to its end: until a signal asks, or a forever-task fails."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import structlog

from shared.lifecycle.stop import Stop

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def until_stopped(
    process: Callable[[Stop], AbstractAsyncContextManager[object]], *, stop_within_seconds: float
) -> int:
    """Enters `process`, waits until it should stop, leaves it, and returns the exit code.

    0: SIGTERM or SIGINT asked, at any moment, also while it was still being entered. 1: a forever-task of it ended.
    A second signal ends the process on the spot; so does a stop that takes longer than `stop_within_seconds`, with 1.
    What entering or leaving raises comes out here.
    """
    stop = Stop()
    entered, leave = asyncio.Event(), asyncio.Event()
    with _asked_by_signals(stop):
        serving = asyncio.create_task(_serve(process(stop), entered, leave), name="serve")
        asked = asyncio.create_task(stop.asked(), name="asked")
        await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        with _ended_after(stop_within_seconds):
            leave.set()  # only now, for leaving may block the loop before the time is kept
            if not entered.is_set():
                serving.cancel()  # half open: what it entered so far is unwound
            await asyncio.wait((serving,))
    return _exit_code(serving, stop)


async def _serve(process: AbstractAsyncContextManager[object], entered: asyncio.Event, leave: asyncio.Event) -> None:
    async with process:
        entered.set()
        await leave.wait()


def _exit_code(serving: asyncio.Task[None], stop: Stop) -> int:
    if not serving.cancelled():
        serving.result()
    if stop.failure is None:
        return 0
    cause = stop.failure.__cause__
    log.error("process failed", error=str(stop.failure), cause=None if cause is None else repr(cause))
    return 1


@contextmanager
def _asked_by_signals(stop: Stop) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def ask(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stop.ask()
        for each in SIGNALS:
            loop.remove_signal_handler(each)
            # The kernel's own action: a second signal works even where the loop is stuck.
            signal.signal(each, signal.SIG_DFL)

    for number in SIGNALS:
        loop.add_signal_handler(number, ask, number)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """A thread of its own keeps the time, for it must also end a process whose loop is stuck."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        pending = sorted(task.get_name() for task in asyncio.all_tasks(loop))
        log.error("did not stop in time", seconds=seconds, pending=pending)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
