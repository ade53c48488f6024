"""The shapes of the numbers for the product."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.stats.definitions import METRICS
from persistence.stats.store import Point, Span
from shared.http.errors import malformed

DEFAULT_SPANS = {"hour": timedelta(days=7), "day": timedelta(days=90)}
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

Moment = Annotated[datetime, Meta(tz=True)]


class AnalyticsQuery(msgspec.Struct):
    """`from` itself is within what is given, `to` is not. Without them: the last 7 days by hour, 90 by day."""

    metrics: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9_]{1,40}(,[a-z0-9_]{1,40}){0,99}$(?!\n)",
                description="names, separated by commas; all without it: " + ", ".join(METRICS),
            ),
        ]
        | UnsetType
    ) = UNSET
    begin: Moment | UnsetType = msgspec.field(default=UNSET, name="from")
    to: Moment | UnsetType = UNSET
    step: Literal["hour", "day"] = "day"
    format: Literal["json", "csv"] = "json"

    def names(self) -> list[str]:
        """Raises ApiError 400 for a name that no number has."""
        if not isinstance(self.metrics, str):
            return list(METRICS)
        names = list(dict.fromkeys(self.metrics.split(",")))
        unknown = [name for name in names if name not in METRICS]
        if unknown:
            raise malformed("metrics", f"there is no {unknown[0]}")
        return names

    def span(self, now: datetime) -> Span:
        end = _clamped(self.to) if isinstance(self.to, datetime) else now
        begin = _clamped(self.begin) if isinstance(self.begin, datetime) else end - DEFAULT_SPANS[self.step]
        return Span(begin, end)


def _clamped(moment: datetime) -> datetime:
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)


class AnalyticsAnswer(msgspec.Struct):
    """Of each metric what is known, oldest first, at most 1,000: the newest. The running hour or day is left out."""

    metrics: dict[str, list[Point]]
