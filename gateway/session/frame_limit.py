"""How many frames a connection may send: a token bucket in one number (GCRA), so that it costs a float each."""

from enum import Enum, auto

from shared.setting_forms import Bucket


class Verdict(Enum):
    ALLOWED = auto()
    REFUSED = auto()
    """Over the limit: the frame is not acted upon, and answered with an error."""
    ABUSE = auto()
    """Refused for a whole further burst, without a pause: close with 4429."""


class FrameLimit:
    """The rule, shared by all connections. A connection keeps only its `debt`: when its bucket would be full again."""

    __slots__ = ("_abuse_seconds", "_burst_seconds", "_each_seconds")

    def __init__(self, bucket: Bucket) -> None:
        self._each_seconds = 1 / bucket.rate
        # Half a token of slack takes up the rounding of floats.
        self._burst_seconds = (bucket.burst + 0.5) / bucket.rate
        self._abuse_seconds = (2 * bucket.burst + 0.5) / bucket.rate

    def judge(self, debt: float, now: float) -> tuple[Verdict, float]:
        """The verdict on one more frame, and the debt from now on. A new connection's debt is 0."""
        debt = max(debt, now) + self._each_seconds
        owed = debt - now
        if owed <= self._burst_seconds:
            return Verdict.ALLOWED, debt
        return (Verdict.REFUSED if owed <= self._abuse_seconds else Verdict.ABUSE), debt
