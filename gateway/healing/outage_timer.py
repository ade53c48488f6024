"""How long it takes from the break of a link to Redis until every room here is proven whole again."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from time import monotonic

from gateway.stats import Stats

LOOK_SECONDS = 0.1


class _Phase(Enum):
    DOWN = auto()
    RESTORED = auto()  # subscribed again; what was missed is not known yet
    CHECKING = auto()
    CHECKED = auto()  # the heads are known; gaps may still be filled


class OutageTimer:
    """Hears of the link (`on_lost`, `on_restored`), of the comparison with Postgres, and of the last gap's end.

    A break within a break counts from the first one on.
    """

    def __init__(self, stats: Stats, *, is_proven: Callable[[], bool], has_gaps: Callable[[], bool]) -> None:
        self._stats = stats
        self._is_proven = is_proven
        self._has_gaps = has_gaps
        self._broken_at: float | None = None
        self._phase = _Phase.DOWN

    def on_lost(self) -> None:
        if self._broken_at is None:
            self._broken_at = monotonic()
        self._phase = _Phase.DOWN

    def on_restored(self) -> None:
        self._phase = _Phase.RESTORED

    def on_check_begins(self) -> None:
        if self._phase is _Phase.RESTORED:
            self._phase = _Phase.CHECKING

    def on_check_done(self) -> None:
        """Every interrupted room was compared with its head."""
        if self._phase is _Phase.CHECKING:
            self._phase = _Phase.CHECKED
            self._look()

    def on_check_failed(self) -> None:
        """Another one follows."""
        if self._phase is _Phase.CHECKING:
            self._phase = _Phase.RESTORED

    def on_gaps_filled(self) -> None:
        self._look()

    def _look(self) -> None:
        if self._broken_at is None or self._phase is not _Phase.CHECKED or self._has_gaps():
            return
        if not self._is_proven():
            # Another shard's link may still be down; its restore brings another check.
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
            return
        self._stats.consistency["link_break"].add(monotonic() - self._broken_at)
        self._broken_at = None
