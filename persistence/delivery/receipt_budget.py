"""Bounds what receipts cost in a big group, where each one goes to all: else members × messages × members frames."""

from collections.abc import Sequence

from persistence.store.views import Moved
from shared.api import LIVE_PRESENCE_MEMBERS

RECEIPTS_A_SECOND = 20
"""In each conversation of more than LIVE_PRESENCE_MEMBERS people, by each process."""


class ReceiptBudget:
    """Chooses which cursors to publish. A small conversation sees all; what a big one misses, a sync tells."""

    def __init__(self, per_second: int = RECEIPTS_A_SECOND) -> None:
        self._per_second = per_second
        self._second = 0
        self._spent: dict[str, int] = {}

    def choose(self, moved: Sequence[Moved], now_seconds: float) -> list[Moved]:
        """All of small conversations; of each big one those who came furthest, while its second has room."""
        if int(now_seconds) != self._second:
            self._second, self._spent = int(now_seconds), {}
        small = [one for one in moved if one.members <= LIVE_PRESENCE_MEMBERS]
        big = sorted((one for one in moved if one.members > LIVE_PRESENCE_MEMBERS), key=_reach, reverse=True)
        return small + [one for one in big if self._spend(one.conversation_id)]

    def _spend(self, conversation_id: str) -> bool:
        spent = self._spent.get(conversation_id, 0)
        self._spent[conversation_id] = spent + 1
        return spent < self._per_second


def _reach(moved: Moved) -> tuple[int, int]:
    return (moved.read.seq if moved.read else 0, moved.delivered.seq if moved.delivered else 0)
