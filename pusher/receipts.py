"""Expo's receipts: what APNs or FCM said of a push, asked for some time after it."""

from collections.abc import Sequence

import structlog

from pusher.expo import Expo
from pusher.metrics import PUSHES, RECEIPT_ERRORS
from pusher.persistence_client import PersistenceClient
from pusher.stream import UndeliveredStream
from shared import push_api
from shared.wire import Undelivered

log = structlog.get_logger()

BATCH = 300
"""As Expo's SDK for Node asks, though its documentation allows 1,000."""
LEASE_SECONDS = 120.0

DEAD = "DeviceNotRegistered"
ALARMING = {"InvalidCredentials", "MismatchSenderId", "DeveloperError", "MessageTooBig"}
"""A human must act: these fail again for every device."""
PASSING = {"ExpoError", "ProviderError"}
"""APNs or FCM did not take it this time: it is pushed once more, if it is still wanted."""
KNOWN = {DEAD, "MessageRateExceeded", *ALARMING, *PASSING}
"""What a metric may name; MessageRateExceeded is a device that had too much already, and gets no more of the same."""


class Receipts:
    """`sweep` raises PersistenceAway and REDIS_FAILURES; what it leased is due again after LEASE_SECONDS."""

    def __init__(self, expo: Expo, persistence: PersistenceClient, stream: UndeliveredStream) -> None:
        self._expo = expo
        self._persistence = persistence
        self._stream = stream

    async def sweep(self) -> None:
        """Asks for every receipt that is due."""
        while due := await self._persistence.due_receipts(BATCH, LEASE_SECONDS):
            found = await self._expo.receipts([one.ticket_id for one in due])
            if found is None:
                return
            await self._persistence.settle_receipts([_outcome(one, found.get(one.ticket_id)) for one in due])
            await self._stream.add([_entry(one) for one in due if found.get(one.ticket_id) in PASSING])
            _report(list(found.values()))


def _outcome(due: push_api.DueReceipt, receipt: str | None) -> push_api.ReceiptOutcome:
    return push_api.ReceiptOutcome(
        conversation_id=due.conversation_id,
        message_id=due.message_id,
        device_id=due.device_id,
        receipt=receipt,
        dead_token=receipt == DEAD,
        again=receipt in PASSING,
    )


def _entry(due: push_api.DueReceipt) -> Undelivered:
    return Undelivered(due.conversation_id, due.seq, due.message_id, due.sender_id, [due.user_id], due.at_ms)


def _report(receipts: Sequence[str]) -> None:
    for receipt in receipts:
        PUSHES.labels("confirmed" if receipt == "ok" else "refused").inc()
        if receipt != "ok":
            RECEIPT_ERRORS.labels(receipt if receipt in KNOWN else "other").inc()
    for code in ALARMING.intersection(receipts):
        log.error("expo could not deliver", code=code, count=receipts.count(code))
