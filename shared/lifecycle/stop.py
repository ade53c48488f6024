"""Why a process ends: somebody asked for it, or a task that must run forever has ended."""

import asyncio


class TaskFailed(Exception):
    """A task that must run forever has ended. The process is deaf in one ear: stop it, and start another.

    `__cause__` is what it raised; None where it merely returned.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the task {name!r} must run forever, and has ended")


class Stop:
    """One per process: asked for by a signal, or by the first forever-task that ends."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.failure: TaskFailed | None = None

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """Ends the wait of whoever waits; asking twice changes nothing."""
        self._asked.set()

    def fail(self, failure: TaskFailed) -> None:
        """Asks because of this failure. Later ones, and those of a process that stops anyway, follow from it."""
        if not self.is_asked:
            self.failure = failure
            self._asked.set()

    async def asked(self) -> None:
        """Returns when the process should stop; `failure` then says whether it had to."""
        await self._asked.wait()
