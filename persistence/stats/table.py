"""The numbers as text for other programs: one line each."""

import csv
import io
from collections.abc import Mapping, Sequence

import msgspec

from persistence.stats.store import Point

_encode = msgspec.json.Encoder().encode


def as_csv(metrics: Mapping[str, Sequence[Point]]) -> str:
    """Columns metric, at, value, with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("metric", "at", "value"))
    writer.writerows((name, point.at, f"{point.value:.15g}") for name, points in metrics.items() for point in points)
    return text.getvalue()


def as_jsonl(metrics: Mapping[str, Sequence[Point]]) -> str:
    lines = (
        {"metric": name, "at": point.at, "value": point.value} for name, points in metrics.items() for point in points
    )
    return "".join(_encode(line).decode() + "\n" for line in lines)
