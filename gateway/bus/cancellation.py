"""A cancellation that redis-py loses on Python 3.11."""

import asyncio


def heed_cancellation() -> None:
    """Call it after a redis-py call in a task that runs forever. Raises CancelledError where one was swallowed.

    Before Python 3.12 `asyncio.wait_for`, with which redis-py writes, drops a cancellation that comes in the moment
    when the write ends (https://bugs.python.org/issue37658), and a TaskGroup does not cancel twice.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
