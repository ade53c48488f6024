"""What is left to do on a connection after a close frame: wait for the other one, but not for everything."""

import asyncio

CLOSE_WITHIN_BYTES = 4096
"""What may be on its way from an honest client as it is closed on: a few frames, then its close frame."""
DISCARDED_BYTES = 8 * 1024 * 1024
"""Of what a client still sends, read into nothing so that it sees our close frame: a message too big is among it."""
_READ_COSTS_BYTES = 64
_DISCARDED_READ_COSTS_BYTES = 4096
"""A read costs the loop more than its bytes do: who sends them one by one is given up sooner."""


class Ending:
    """With which code the connection ends, and when at the latest."""

    __slots__ = ("_cost", "_left", "code", "deadline", "is_dismissed")

    def __init__(self, code: int, deadline: asyncio.TimerHandle) -> None:
        self.code = code
        self.deadline = deadline
        self.is_dismissed = False
        self._left, self._cost = CLOSE_WITHIN_BYTES, _READ_COSTS_BYTES

    def discard(self) -> None:
        """From now on nothing is looked at."""
        self._left, self._cost = DISCARDED_BYTES, _DISCARDED_READ_COSTS_BYTES

    def take(self, data: bytes) -> bool:
        """Whether more than this is to be read."""
        self._left -= max(len(data), self._cost)
        return self._left >= 0
