"""Which receipts are still to be brought to persistence, and which are on their way. Pure: no clock, no I/O.

A receipt only moves forward, so two of the same user in the same conversation are one, their higher fields. That bounds
what is kept through an outage, whatever is reported meanwhile: a cursor for each user and conversation.
"""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple, TypeVar

from shared.streams import Cursor, ReceiptBatch, Seen

MOST_CURSORS = 500
"""Of one entry of the stream."""
FIRST_RESEND_SECONDS = 2.0
LONGEST_RESEND_SECONDS = 30.0

Key = TypeVar("Key")
Value = TypeVar("Value")
_Place = tuple[str, str]
_Levels = tuple[int, int, int]


class _Sent(NamedTuple):
    batch: ReceiptBatch
    at: float
    reported_at: float


class PendingReceipts:
    """`now` is the caller's monotonic clock."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._cursors: dict[_Place, _Levels] = {}
        self._seen: dict[str, int] = {}
        self._again = False
        self._since = 0.0
        self._sent: dict[int, _Sent] = {}
        self._last_number = 0
        self._patience = FIRST_RESEND_SECONDS

    @property
    def has_news(self) -> bool:
        """Something is to be taken."""
        return bool(self._cursors or self._seen)

    @property
    def on_the_way(self) -> int:
        """Batches that were sent and of which persistence has not said that it has them."""
        return len(self._sent)

    def report(
        self, conversation_id: str, user_id: str, now: float, *, delivered: int = 0, attended: int = 0, read: int = 0
    ) -> None:
        if not self.has_news:
            self._since = now
        place = (conversation_id, user_id)
        before = self._cursors.get(place, (0, 0, 0))
        self._cursors[place] = (max(before[0], delivered), max(before[1], attended), max(before[2], read))

    def saw(self, user_id: str, at_ms: int, now: float) -> None:
        """The user went offline at this time."""
        if not self.has_news:
            self._since = now
        self._seen[user_id] = max(self._seen.get(user_id, 0), at_ms)

    def take(self, now: float, epoch: str = "") -> ReceiptBatch | None:
        """The next batch to send; None when there is nothing. It counts as sent from now on. `epoch`: whose it is."""
        if not self.has_news:
            return None
        self._last_number += 1
        batch = ReceiptBatch(
            gateway=self._gateway,
            number=self._last_number,
            again=self._again,
            cursors=[Cursor(*place, *levels) for place, levels in _drain(self._cursors)],
            seen=[Seen(*seen) for seen in _drain(self._seen)],
            epoch=epoch,
        )
        self._again = self._again and self.has_news
        self._sent[batch.number] = _Sent(batch, now, self._since)
        return batch

    def applied(self, number: int, now: float) -> float | None:
        """Persistence has this batch. Gives the seconds since its oldest report; None for one that is not awaited."""
        sent = self._sent.pop(number, None)
        if sent is None:
            return None
        self._patience = FIRST_RESEND_SECONDS
        return now - sent.reported_at

    def put_back(self, number: int, now: float) -> None:
        """This batch could not be sent."""
        sent = self._sent.pop(number, None)
        if sent is not None:
            self._put_back([sent], now)

    def put_back_overdue(self, now: float) -> int:
        """Batches of which nothing was heard for long are to be sent again, less and less often. Gives how many."""
        overdue = [sent for sent in self._sent.values() if now - sent.at >= self._patience]
        for sent in overdue:
            del self._sent[sent.batch.number]
        if overdue:
            self._put_back(overdue, now)
            self._patience = min(2 * self._patience, LONGEST_RESEND_SECONDS)
        return len(overdue)

    def _put_back(self, batches: Iterable[_Sent], now: float) -> None:
        """It may have been applied all the same, and only the word of it was lost: hence `again`."""
        self._again = True
        for sent in batches:
            for cursor in sent.batch.cursors:
                self.report(
                    cursor.conversation_id,
                    cursor.user_id,
                    now,
                    delivered=cursor.delivered,
                    attended=cursor.attended,
                    read=cursor.read,
                )
            for seen in sent.batch.seen:
                self.saw(seen.user_id, seen.at_ms, now)
            self._since = min(self._since, sent.reported_at)


def _drain(items: dict[Key, Value]) -> list[tuple[Key, Value]]:
    """Takes up to MOST_CURSORS entries out, the oldest first."""
    taken = list(islice(items.items(), MOST_CURSORS))
    for key, _ in taken:
        del items[key]
    return taken
