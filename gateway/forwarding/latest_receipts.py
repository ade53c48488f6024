"""Which receipts are news to a room: two persistence processes may publish one reader's cursors the other way round."""

from typing import Final

from shared.wire import ReceiptStatus

REMEMBERED_SECONDS: Final = 30.0
"""At least so long: far longer than two publications of one reader's cursor lie apart, and a bound to what is kept."""

_Cursor = tuple[bytes, bytes, int]


class LatestReceipts:
    """How far each reader was lately said to have come, by room and status. `now` is the caller's monotonic clock.

    Kept in two generations, so that forgetting costs nothing per receipt and nothing is kept of a room at rest.
    """

    __slots__ = ("_before", "_latest", "_since")

    def __init__(self) -> None:
        self._latest: dict[_Cursor, int] = {}
        self._before: dict[_Cursor, int] = {}
        self._since = 0.0

    def is_news(self, room: bytes, reader: bytes, status: int, seq: int, now: float) -> bool:
        """False where the room has heard of a later one, or of this very minimum. The same one of a person again, or
        one of a release that does not name its status, is let through."""
        if status == ReceiptStatus.UNKNOWN:
            return True
        if now - self._since >= REMEMBERED_SECONDS:
            self._before, self._latest, self._since = self._latest, {}, now
        cursor = (room, reader, status)
        known = self._latest.get(cursor) or self._before.get(cursor, 0)
        if seq < known or (status == ReceiptStatus.ALL and seq == known):
            return False
        self._latest[cursor] = seq
        return True

    def forget(self) -> None:
        """Another line of history: its seqs begin anew."""
        self._latest, self._before = {}, {}
