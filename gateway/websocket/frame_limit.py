"""How many frames a connection may send: a token bucket in one number (GCRA), so that it costs a float each."""

from enum import Enum, auto
from math import floor

from shared.setting_forms import Bucket


class Verdict(Enum):
    ALLOWED = auto()
    EXCESS = auto()
    """Over the limit: the frame is not acted upon, and a message is answered with an error."""
    ABUSE = auto()
    """Over the limit for a whole further burst, without a pause: close with 4429."""


class FrameLimit:
    """The rule, shared by all connections. A connection keeps only its `debt`: when its bucket would be full again.

    Every header counts, whatever it begins: a message, a fragment, a ping, a pong, React Native's empty binary.
    `excess` is how many frames of all connections were beyond the limit.
    """

    __slots__ = ("_abuse_seconds", "_burst_seconds", "each_seconds", "excess")

    def __init__(self, bucket: Bucket) -> None:
        self.excess = 0
        self.each_seconds = 1 / bucket.rate
        # Half a token of slack takes up the rounding of floats.
        self._burst_seconds = (bucket.burst + 0.5) / bucket.rate
        self._abuse_seconds = (2 * bucket.burst + 0.5) / bucket.rate

    def judge(self, debt: float, now: float) -> tuple[Verdict, float]:
        """The verdict on one more frame, and the debt from now on. A new connection's debt is 0."""
        debt = max(debt, now) + self.each_seconds
        owed = debt - now
        if owed <= self._burst_seconds:
            return Verdict.ALLOWED, debt
        self.excess += 1
        return (Verdict.EXCESS if owed <= self._abuse_seconds else Verdict.ABUSE), debt

    def left(self, debt: float, now: float) -> tuple[int, int]:
        """How many frames of one read are allowed, and how many are not yet abuse. Below 0: also the frame that began
        in the read before was too many."""
        owed = max(debt - now, 0.0)
        allowed, most = self._burst_seconds - owed, self._abuse_seconds - owed
        return floor(allowed / self.each_seconds), max(0, floor(most / self.each_seconds))

    def charge(self, debt: float, now: float, frames: int, allowed: int) -> float:
        """The debt after so many frames of one read, of which so many were allowed."""
        self.excess += max(0, frames - max(0, allowed))
        return max(debt, now) + frames * self.each_seconds
