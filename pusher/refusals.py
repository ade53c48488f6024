"""Expo's codes for a push that a device will not get, in tickets and receipts alike, and how loudly they are told."""

from collections.abc import Sequence

import structlog

from pusher.metrics import RECEIPT_ERRORS

log = structlog.get_logger()

DEAD = "DeviceNotRegistered"
CREDENTIALS = "InvalidCredentials"
BUSY = "MessageRateExceeded"
ALARMING = {CREDENTIALS, "MismatchSenderId", "DeveloperError", "MessageTooBig"}
"""A human must act: these fail again for every device."""
PASSING = {"ExpoError", "ProviderError", BUSY}
"""APNs or FCM did not take it this time: it is pushed once more, if it is still wanted."""
KNOWN = {DEAD, *ALARMING, *PASSING}
"""What a metric may name."""


def report(codes: Sequence[str]) -> None:
    for code in codes:
        RECEIPT_ERRORS.labels(code if code in KNOWN else "other").inc()
    for code in sorted(ALARMING.intersection(codes)):
        log.error("expo could not deliver", code=code, count=codes.count(code))
