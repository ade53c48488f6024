"""How much arrives within any one second, counted by a process that may itself be held up."""

import asyncio
import time
from collections import deque

TICK_SECONDS = 0.005


class RateWindow:
    """Allows `limit` a second. Run `watch` beside it.

    What arrives while we are held up is seen late, and all at once. So the second is shorter by the longest time for
    which we were: what it then finds over the limit was over it indeed.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._arrived: deque[tuple[float, int]] = deque()
        self._stalls: deque[tuple[float, float]] = deque()
        self._awake_at = time.monotonic()
        self.most = 0
        """Were ever within a second."""

    async def watch(self) -> None:
        """Forever: notices when we were held up."""
        while True:
            self._awake_at = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self._stalls.append((now, now - self._awake_at - TICK_SECONDS))

    def allows(self, count: int) -> bool:
        """Whether so many more are within the limit; they count from now on if they are."""
        now = time.monotonic()
        while self._stalls and self._stalls[0][0] < now - 1:
            self._stalls.popleft()
        while self._arrived and self._arrived[0][0] < now - 1:
            self._arrived.popleft()
        held_up = max((seconds for _, seconds in self._stalls), default=0.0)
        since = now - 1 + max(held_up, now - self._awake_at)
        together = sum(some for at, some in self._arrived if at >= since) + count
        self.most = max(self.most, together)
        if together > self._limit:
            return False
        self._arrived.append((now, count))
        return True
