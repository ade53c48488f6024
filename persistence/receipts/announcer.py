"""Tells rooms how far their members have come."""

from collections.abc import Sequence
from functools import partial

from persistence.log.delivery import Delivery
from persistence.log.publisher import Envelope
from persistence.receipts import envelopes
from persistence.receipts.minima import Minima
from persistence.receipts.views import Moved
from shared.api import LIVE_PRESENCE_MEMBERS

MOST_UNHEARD = 10_000
"""Receipts that wait for a Redis that is away; whoever missed one beyond sees it at the next sync."""


class ReceiptAnnouncer:
    """Receipts are in no outbox: where Redis is away, `repeat` tells them again. One that dies with this process shows
    at the next sync."""

    def __init__(self, delivery: Delivery, minima: Minima) -> None:
        self._delivery = delivery
        self._minima = minima
        self._unheard: list[Envelope] = []

    def tell(self, moved: Sequence[Moved]) -> None:
        """Committed just now."""
        self._offer(self.envelopes(moved))

    def left(self, conversation_id: str) -> None:
        """Somebody left it: what they alone did not read is read by all now."""
        self._minima.moved(conversation_id)

    async def repeat(self) -> None:
        """Those that Redis did not take. To be called every second or so; in whatever order they come, a later one
        stays later for the gateways."""
        unheard, self._unheard = self._unheard, []
        self._offer(unheard)

    def envelopes(self, moved: Sequence[Moved]) -> list[Envelope]:
        """What is to be heard of these cursors at once. Of a big group, and what was read by who tells nobody, only the
        reader's own devices hear."""
        epoch = self._delivery.epoch
        shown = [one._replace(read=None) if one.is_private else one for one in moved]
        for one in shown:
            if _is_big(one) and (one.delivered or one.read):
                self._minima.moved(one.conversation_id)
        named = envelopes.receipts([one for one in shown if not _is_big(one)])
        own = [
            envelope for one in moved if _is_big(one) or one.is_private for envelope in envelopes.own(one, epoch=epoch)
        ]
        return [envelopes.of(receipt, epoch=epoch) for receipt in named] + own

    def _offer(self, receipts: Sequence[Envelope]) -> None:
        for receipt in receipts:
            self._delivery.offer(receipt, partial(self._heard, receipt))

    def _heard(self, receipt: Envelope, went_out: bool) -> None:
        if not went_out and len(self._unheard) < MOST_UNHEARD:
            self._unheard.append(receipt)


def _is_big(moved: Moved) -> bool:
    return moved.members > LIVE_PRESENCE_MEMBERS
