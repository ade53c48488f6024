"""A run in words: tables of medians with their spread, and each target's verdict, in Markdown. Pure."""

from collections.abc import Sequence

from tests.bench.plan import LIMIT, PARLEY
from tests.bench.results import Results
from tests.bench.targets import TARGETS

Column = tuple[str, str, str]
"""(heading, name of the number, its form)."""

_DELIVERY: tuple[Column, ...] = (
    ("CPU per delivery, µs", "cpu_us", "{:.2f}"),
    ("deliveries/s", "deliveries_per_s", "{:,.0f}"),
    ("p50 ms", "p50_ms", "{:.2f}"),
    ("p99 ms", "p99_ms", "{:.1f}"),
    ("lost", "lost", "{:.0f}"),
)
_LADDER: tuple[Column, ...] = (
    ("highest rate/s", "highest_rate", "{:,.0f}"),
    ("CPU per delivery at 1,000/s, µs", "cpu_us@1000", "{:.1f}"),
    ("p99 ms", "p99_ms@1000", "{:.2f}"),
    ("CPU at 8,000/s, µs", "cpu_us@8000", "{:.1f}"),
    ("p99 ms", "p99_ms@8000", "{:.2f}"),
    ("CPU at 32,000/s, µs", "cpu_us@32000", "{:.1f}"),
    ("p99 ms", "p99_ms@32000", "{:.1f}"),
)
_IDLE: tuple[Column, ...] = (
    ("KiB each", "kib_each", "{:.2f}"),
    ("accept, ms of CPU", "accept_ms", "{:.3f}"),
    ("accepts/s", "accepts_per_s", "{:,.0f}"),
    ("idle, µs of CPU a second", "idle_us_per_s", "{:.2f}"),
)
_STORM: tuple[Column, ...] = (
    ("accept, ms of gateway CPU", "accept_ms", "{:.3f}"),
    ("of persistence", "persistence_ms_per_accept", "{:.3f}"),
    ("accepts/s", "accepts_per_s", "{:,.0f}"),
    ("deliveries' p99 before, ms", "calm_p99_ms", "{:.1f}"),
    ("during", "stormy_p99_ms", "{:.1f}"),
)
_SENDS: tuple[Column, ...] = (
    ("sends/s", "sends_per_s", "{:,.0f}"),
    ("persistence, ms of CPU", "persistence_ms", "{:.3f}"),
    ("Postgres", "postgres_ms", "{:.3f}"),
    ("Redis", "redis_ms", "{:.3f}"),
    ("p50 ms", "p50_ms", "{:.1f}"),
    ("p99 ms", "p99_ms", "{:.1f}"),
)
_STORE: tuple[Column, ...] = (
    ("sends/s", "sends_per_s", "{:,.0f}"),
    ("Python, ms of CPU", "python_ms", "{:.3f}"),
    ("pgbench, one message a statement, tps", "pgbench_tps", "{:,.0f}"),
)
_LATENCY: tuple[Column, ...] = (
    ("at 20/s: p50 ms", "light_p50_ms", "{:.2f}"),
    ("p99 ms", "light_p99_ms", "{:.2f}"),
    ("highest rate/s", "highest_rate", "{:,.0f}"),
    ("at half of it: p50 ms", "half_p50_ms", "{:.1f}"),
    ("p99 ms", "half_p99_ms", "{:.1f}"),
    ("of CPU then, ms: persistence", "half_persistence_ms", "{:.3f}"),
    ("gateway", "half_server_ms", "{:.3f}"),
    ("Postgres", "half_postgres_ms", "{:.3f}"),
    ("Redis", "half_redis_ms", "{:.3f}"),
)
_RECEIPTS: tuple[Column, ...] = (
    ("gateway, µs", "server_us", "{:.0f}"),
    ("persistence, µs", "persistence_us", "{:.0f}"),
    ("Postgres, µs", "postgres_us", "{:.0f}"),
)
_READS: tuple[Column, ...] = (
    ("persistence, ms of CPU", "persistence_ms", "{:.2f}"),
    ("Postgres", "postgres_ms", "{:.2f}"),
    ("the list of 1,000: p50 ms", "long_p50_ms", "{:.1f}"),
    ("p99 ms", "long_p99_ms", "{:.1f}"),
)
_SLOW: tuple[Column, ...] = (
    ("the others' p99 before, ms", "before_p99_ms", "{:.1f}"),
    ("after, ms", "after_p99_ms", "{:.1f}"),
    ("cut off, of 200", "cut_off", "{:.0f}"),
    ("KiB for each of them", "extra_kib_each", "{:.0f}"),
)
GROWTH: tuple[Column, ...] = (("CPU per delivery, µs", "cpu_us", "{:.1f}"), ("p99 ms", "p99_ms", "{:.2f}"))

TABLES: tuple[tuple[str, tuple[str, ...], tuple[Column, ...]], ...] = (
    ("A hot room of 1,000, closed loop (W1)", ("hot_room",), _DELIVERY),
    ("1,000 rooms of two, open loop (W2)", ("one_to_one",), _LADDER),
    ("Idle connections", ("idle in 1", "idle in 10", "idle with friends"), _IDLE),
    ("Everyone comes back at once, each into ten rooms", ("storm",), _STORM),
    ("Durable sends over REST", ("sends random", "sends hot"), _SENDS),
    ("The store alone", ("store random", "store hot"), _STORE),
    ("From the request to the recipient's socket", ("latency",), _LATENCY),
    ("One `delivered`", ("receipts",), _RECEIPTS),
    ("One read (a list, a page or a sync), and the list of a user with 1,000 conversations", ("reads",), _READS),
    ("A tenth of 2,000 clients stop reading", ("slow_readers",), _SLOW),
)


def report(results: Results) -> str:
    sections = [_section(title, _rows(results, keys, columns)) for title, keys, columns in TABLES]
    growth = sorted((key for key in _keys(results) if key.startswith("growth")), key=_by_size)
    sections.append(_section("Growth", _rows(results, growth, GROWTH)))
    sections.append(_section("Targets", _verdicts(results)))
    sections += [f"Did not run: {failure}" for failure in results.failures]
    return "\n".join(section for section in sections if section)


def _keys(results: Results) -> set[str]:
    return {str(row["workload"]) for row in results.to_json()}


def _by_size(key: str) -> tuple[str, int]:
    _, what, size = key.split()
    return what, int(size)


def _rows(results: Results, keys: Sequence[str], columns: Sequence[Column]) -> list[list[str]]:
    """The workload is named only where the table has several."""
    rows = [
        [key, system, *(results.spread(key, system, name, form) for _, name, form in columns)]
        for key in keys
        for system in results.systems(key)
    ]
    named = [["workload", "system", *(heading for heading, _, _ in columns)], *rows] if rows else []
    return named if len(keys) > 1 else [row[1:] for row in named]


def _verdicts(results: Results) -> list[list[str]]:
    rows = [["target", "wanted", "measured", ""]]
    for target in TARGETS:
        measured = target.measure(results)
        if measured is not None:
            wanted = f"{'≥' if target.at_least else '≤'} {target.bound:g} {target.unit}".strip()
            verdict = "met" if target.is_met(measured) else "missed"
            rows.append([target.name, wanted, f"{measured:,.4g} {target.unit}".strip(), verdict])
    return rows if len(rows) > 1 else []


def _section(title: str, rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head, *body = rows
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]
    return "\n".join([f"## {title}", "", *lines, ""])


def one_line(key: str, system: str, results: Results) -> str:
    """What just came in, for whoever watches."""
    columns = next((columns for _, keys, columns in TABLES if key in keys), GROWTH)
    found = [(heading, results.values(key, system, name), form) for heading, name, form in columns]
    return ", ".join(f"{heading} {form.format(values[-1])}" for heading, values, form in found if values)


def against_the_limit(results: Results) -> str:
    """The one ratio that sums it up, for the end of a run; empty where it was not measured."""
    ratio = results.ratio("hot_room", "cpu_us", LIMIT, PARLEY)
    return f"A delivery into a hot room costs {ratio:.2f} of what the limit costs." if ratio else ""
