"""Times as Parley writes them: ISO 8601 in UTC with milliseconds for apps, microseconds between services."""

import time
from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """Writes `2026-11-22T20:15:04.123Z`; what is finer than a millisecond is cut off."""
    # A quarter of strftime's time; isoformat cuts off as well, and ends in +00:00.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def now_iso() -> str:
    return iso(datetime.now(UTC))


def now_us() -> int:
    """Microseconds since 1970, of the wall clock: comparable between machines as far as their clocks agree."""
    return time.time_ns() // 1000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def to_us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def iso_from_ms(milliseconds: int) -> str:
    return iso(datetime.fromtimestamp(milliseconds / 1000, UTC))
