"""Who was refused, and until when: for as long Redis would say the same, and need not be asked."""

from collections import OrderedDict
from collections.abc import Sequence

from shared.limits.price import Check

MOST_KEYS = 10_000


class Refused:
    """The `most` keys refused last. Only single tokens are remembered: what is dearer may be refused where one more
    token would pass. Pure: time is an argument.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()

    def wait(self, checks: Sequence[Check], now: float) -> float:
        """The seconds until the last of these keys may pass again; 0 where none is known to be refused."""
        if not self._until:
            return 0.0
        return max(0.0, *(self._until.get(check.key, 0.0) - now for check in checks), 0.0)

    def remember(self, checks: Sequence[Check], waits: Sequence[float], now: float) -> None:
        for check, wait in zip(checks, waits, strict=True):
            if wait > 0 and check.cost <= 1:
                self._until[check.key] = now + wait
                self._until.move_to_end(check.key)
        while len(self._until) > self._most:
            self._until.popitem(last=False)
