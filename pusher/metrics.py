"""The pusher's metrics, by the names of the contract."""

from prometheus_client import Counter, Gauge, Histogram

PUSHES = Counter("parley_pusher_pushes_total", "Notifications by what came of them", ["outcome"])
DECISIONS = Counter("parley_pusher_decisions_total", "Users by the policy's reason to push them or not", ["reason"])
PUSH_SECONDS = Histogram(
    "parley_pusher_push_seconds",
    "From a message's commit to Expo's acceptance of its push",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 3600),
)
STREAM_PENDING = Gauge("parley_pusher_stream_pending", "Entries that wait in both undelivered streams")
STREAM_AGE = Gauge("parley_pusher_stream_age_seconds", "Age of the oldest entry of both undelivered streams")
BULK_PENDING = Gauge("parley_pusher_bulk_pending", "Those of them that wait in the bulk's")
BULK_AGE = Gauge("parley_pusher_bulk_age_seconds", "Age of the oldest entry of the bulk's")
DEAD_LETTERS = Counter("parley_pusher_dead_letters_total", "Entries moved to the dead letters")
RECEIPT_ERRORS = Counter(
    "parley_pusher_receipt_errors_total", "Pushes that APNs or FCM refused, by Expo's code", ["code"]
)
BADGES = Counter("parley_pusher_badge_updates_total", "Silent updates of the number on an icon that Expo accepted")
WITHDRAWALS = Counter("parley_pusher_withdrawals_total", "Silent withdrawals of deleted messages that Expo accepted")
ARRIVALS = Counter("parley_pusher_arrivals_total", "Pushes to people who were added to a group that Expo accepted")
HALTED = Gauge(
    "parley_pusher_halted", "1 while APNs or FCM refuse our credentials, and this platform's pushes wait", ["platform"]
)
STOPPED = Gauge("parley_pusher_stopped", "1 while Expo refuses our credentials and nothing goes out")

OUTCOMES = ("sent", "rejected", "retry", "ambiguous", "devicebusy", "stopped", "late", "apart", "confirmed", "refused")
for outcome in OUTCOMES:
    PUSHES.labels(outcome)
PLATFORMS = ("ios", "android", "unknown")
for platform in PLATFORMS:
    HALTED.labels(platform)
