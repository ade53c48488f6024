"""Log lines that a stranger can cause by the thousand: the first of each kind is written, the rest are counted, and
once a minute one line says how many they were. The metrics have every one of them.
"""

from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger()

EVERY_SECONDS = 60.0
MOST_KINDS = 256
"""Routes, statuses and reasons make the kinds: they are few, and this is the bound should one of them not be."""

_Kind = tuple[str, int, str]


class Repeats:
    """`clock` gives seconds that only go forward. `flush` is to be called now and then: whatever was counted is lost
    with the process, which is the price of there being no timer.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counted: dict[_Kind, int] = {}
        self._until = 0.0

    def note(self, event: str, *, status: int, route: str, **fields: Any) -> None:
        """Writes the line, or counts it where one like it was written within the minute."""
        self.flush()
        kind = (event, status, route)
        seen = self._counted.get(kind)
        if seen is None and len(self._counted) < MOST_KINDS:
            if not self._counted:
                self._until = self._clock() + EVERY_SECONDS
            self._counted[kind] = 0
            log.info(event, status=status, route=route, **fields)
        elif seen is not None:
            self._counted[kind] = seen + 1

    def flush(self) -> None:
        """Tells what was counted, where a minute has passed."""
        if not self._counted or self._clock() < self._until:
            return
        counted, self._counted = self._counted, {}
        for (event, status, route), count in counted.items():
            if count:
                log.info("repeated", line=event, status=status, route=route, count=count)
