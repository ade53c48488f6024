"""Named places between two steps that must both happen: where the fault laboratory stops a process."""

from typing import Protocol


class Checkpoints(Protocol):
    """Reached at each named place. In service nothing happens there; the laboratory kills or holds the process."""

    async def reach(self, name: str) -> None: ...


class NoCheckpoints:
    """What every deployment runs with."""

    async def reach(self, name: str) -> None:
        return
