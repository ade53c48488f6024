"""The shapes of the numbers for the product."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.stats.definitions import METRICS
from persistence.stats.store import Point, Span
from shared.http.fields import Moment, moment_of

DEFAULT_SPANS = {"hour": timedelta(days=7), "day": timedelta(days=90)}

_NAME = "|".join(METRICS)


class AnalyticsQuery(msgspec.Struct):
    """`from` itself is within what is given, `to` is not. Without them: the last 7 days by hour, 90 by day."""

    metrics: (
        Annotated[
            str,
            Meta(
                pattern=rf"^(?:{_NAME})(?:,(?:{_NAME})){{0,99}}$(?!\n)",
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
        return list(dict.fromkeys(self.metrics.split(","))) if isinstance(self.metrics, str) else list(METRICS)

    def span(self, now: datetime) -> Span:
        end = moment_of(self.to) if isinstance(self.to, str) else now
        begin = moment_of(self.begin) if isinstance(self.begin, str) else end - DEFAULT_SPANS[self.step]
        return Span(begin, end)


class AnalyticsAnswer(msgspec.Struct):
    """Of each metric what is known, oldest first, at most 1,000: the newest. The running hour or day is left out."""

    metrics: dict[str, list[Point]]
