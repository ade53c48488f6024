"""The shapes of the numbers for the product."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.stats.definitions import METRICS
from persistence.stats.store import Point, Span
from shared.http.errors import malformed
from shared.http.fields import DayOrMoment, moment_of

DEFAULT_SPANS = {"hour": timedelta(days=7), "day": timedelta(days=90)}

_NAME = "|".join(METRICS)
_MOST_NAMES = 100
_LONGEST = _MOST_NAMES * (max(map(len, METRICS)) + 1)


class AnalyticsQuery(msgspec.Struct):
    """`from` itself is within what is given, `to` is not. Without them: the last 7 days by hour, 90 by day."""

    metrics: (
        Annotated[
            str,
            Meta(
                max_length=_LONGEST,
                description=f"up to {_MOST_NAMES} names, separated by commas; all without it: " + ", ".join(METRICS),
                extra_json_schema={"pattern": rf"^(?:{_NAME})(?:,(?:{_NAME})){{0,{_MOST_NAMES - 1}}}$(?!\n)"},
            ),
        ]
        | UnsetType
    ) = UNSET
    begin: DayOrMoment | UnsetType = msgspec.field(default=UNSET, name="from")
    to: DayOrMoment | UnsetType = UNSET
    step: Literal["hour", "day"] = "day"
    format: Literal["json", "csv"] | UnsetType = UNSET

    def wants_csv(self, accepted: str) -> bool:
        """`accepted` is the request's header `Accept`, which counts where no format is named."""
        return self.format == "csv" or (self.format is UNSET and "text/csv" in accepted and "json" not in accepted)

    def names(self) -> list[str]:
        """Raises ApiError 400 for one that there is not."""
        if not isinstance(self.metrics, str):
            return list(METRICS)
        named = self.metrics.split(",")
        unknown = [name for name in named if name not in METRICS]
        if unknown:
            raise malformed("metrics", f"there is no {unknown[0]!r}, only {', '.join(METRICS)}")
        if len(named) > _MOST_NAMES:
            raise malformed("metrics", f"at most {_MOST_NAMES} names")
        return list(dict.fromkeys(named))

    def span(self, now: datetime) -> Span:
        end = moment_of(self.to) if isinstance(self.to, str) else now
        begin = moment_of(self.begin) if isinstance(self.begin, str) else end - DEFAULT_SPANS[self.step]
        return Span(begin, end)


class AnalyticsAnswer(msgspec.Struct):
    """Of each metric what is known, oldest first, at most 1,000: the newest. The running hour or day is left out."""

    metrics: dict[str, list[Point]]
