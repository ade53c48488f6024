"""Shows the numbers for the product, gives them to other programs, or computes those that wait."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from persistence.database.pool import Pool
from persistence.stats import filling, store
from persistence.stats.definitions import METRICS
from persistence.stats.shapes import DEFAULT_SPANS
from persistence.stats.store import Point, Span
from persistence.stats.table import as_csv, as_jsonl
from services import attached, openings
from services.commands import EXIT_CODES, described
from services.printing import say
from shared.settings import SettingError, Settings

HELP = f"""
Without more it shows each number of the last 90 days: the newest, the one before, and the line of all. What each means
stands in docs/analytics.md. FROM and TO are days or times of UTC; TO itself is not within.

--fill computes what is due and was not yet, as a persistence process does every minute; with --from it computes anew
what began since then. Numbers of which the source is gone by then (arrival after two days, pushes after seven) stay as
they are.

needs: DATABASE_URL; without it the database of an `up` that runs (--data)

  python -m services analytics
  python -m services analytics --metrics messages,dau --step day --format csv > numbers.csv
  python -m services analytics --format jsonl --from 2026-01-01 | gzip > numbers.jsonl.gz
  python -m services analytics --fill --from 2026-03-01

{EXIT_CODES}
"""

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("--metrics", default=",".join(METRICS), help="names, separated by commas")
    parser.add_argument("--from", dest="begin", metavar="FROM")
    parser.add_argument("--to", dest="end", metavar="TO")
    parser.add_argument("--step", choices=["hour", "day"], default="day")
    parser.add_argument("--format", choices=["table", "csv", "jsonl"], default="table")
    parser.add_argument("--fill", action="store_true", help="compute what waits")
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    names = [one.strip() for one in chosen.metrics.split(",")]
    unknown = [one for one in names if one not in METRICS]
    if unknown:
        raise SettingError(f"there is no metric {unknown[0]!r}: choose of {', '.join(METRICS)}")
    span = _span(chosen)
    async with openings.database(attached.database_url(settings, chosen), size=2, wait_seconds=0) as pool:
        if chosen.fill:
            return await _fill(pool, settings, span if chosen.begin else None)
        found = await store.read(pool, names, span, by_hour=chosen.step == "hour")
    shown = {"table": _table, "csv": as_csv, "jsonl": as_jsonl}[chosen.format](found)
    say(shown.removesuffix("\n"))
    return 0


def _span(chosen: argparse.Namespace) -> Span:
    end = _moment("--to", chosen.end) if chosen.end else datetime.now(UTC)
    return Span(_moment("--from", chosen.begin) if chosen.begin else end - DEFAULT_SPANS[chosen.step], end)


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{name} must be a day or a time, such as 2026-03-29, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _fill(pool: Pool, settings: Settings, anew: Span | None) -> int:
    """Another process that is at it does some of the work: this one goes on until nothing waits."""
    if anew is not None:
        await filling.reopen(pool, anew.begin, anew.end)
    filled = 0
    while computed := await filling.fill(pool, filling.Rules(settings.analytics_min)):
        filled += computed
        say(f"{filled:,} hours and days computed")
    say("nothing waits")
    return 0


def _table(metrics: Mapping[str, Sequence[Point]]) -> str:
    width = max(len(name) for name in metrics)
    lines = [f"{'METRIC':{width}}  {'NEWEST':>12}  {'BEFORE':>12}  TREND"]
    return "\n".join(lines + [_line(name, width, [point.value for point in one]) for name, one in metrics.items()])


def _line(name: str, width: int, values: Sequence[float]) -> str:
    newest, before = (_short(values[-place]) if len(values) >= place else "-" for place in (1, 2))
    return f"{name:{width}}  {newest:>12}  {before:>12}  {sparkline(values[-WIDTH:])}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"


def sparkline(values: Sequence[float]) -> str:
    """A bar a value, from 0 to the greatest."""
    most = max(values, default=0) or 1
    return "".join(BARS[min(len(BARS) - 1, int(len(BARS) * max(0, value) / most))] for value in values)
