"""The fleet as a table for people: a line a process, and a sum where there is something to add up."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from services.fleet.process import Process
from shared.texts import escaped


class Column(NamedTuple):
    """A number of a process: its heading, how it is written, and how those of several processes become one."""

    number: str
    heading: str
    write: Callable[[float], str]
    join: Callable[[Iterable[float]], float]


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _rate(value: float) -> str:
    return f"{value:,.1f}"


def _seconds(value: float) -> str:
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"


_LAG = Column("loop_lag_seconds", "LOOP LAG", _seconds, max)

# The outbox and the stream are the fleet's, whoever counts them: so they are not added up.
COLUMNS: dict[str, tuple[Column, ...]] = {
    "gateway": (
        Column("connections", "SOCKETS", _whole, sum),
        Column("rooms", "ROOMS", _whole, sum),
        Column("users", "USERS", _whole, sum),
        Column("deliveries_per_second", "DELIVERIES/S", _rate, sum),
        Column("connects_per_second", "CONNECTS/S", _rate, sum),
        Column("closes_per_second", "CLOSES/S", _rate, sum),
        _LAG,
    ),
    "persistence": (
        Column("messages_per_second", "MESSAGES/S", _rate, sum),
        Column("outbox_pending", "OUTBOX", _whole, max),
        Column("outbox_age_seconds", "OLDEST", _seconds, max),
        _LAG,
    ),
    "pusher": (
        Column("pushes_per_second", "PUSHES/S", _rate, sum),
        Column("stream_pending", "STREAM", _whole, max),
        Column("bulk_pending", "BULK", _whole, max),
        Column("stream_age_seconds", "OLDEST", _seconds, max),
        _LAG,
    ),
}


def tables(processes: Sequence[Process], now_ms: int) -> str:
    """One table for each service that runs."""
    shown = []
    for service, columns in COLUMNS.items():
        own = [process for process in processes if process.service == service]
        own.sort(key=lambda process: process.state == "serving")  # stable: within a state by name, as they came
        if own:
            shown.append(_table(service, columns, own, now_ms))
    return "\n\n".join(shown)


def _table(service: str, columns: Sequence[Column], processes: Sequence[Process], now_ms: int) -> str:
    lines = [[service.upper(), "UP", "STATE", *(column.heading for column in columns)]]
    for process in processes:
        numbers = [column.write(process.numbers.get(column.number, 0.0)) for column in columns]
        lines.append([escaped(process.name), _age(now_ms - process.started_ms), escaped(process.state), *numbers])
    if len(processes) > 1:
        joined = [column.join(one.numbers.get(column.number, 0.0) for one in processes) for column in columns]
        written = [column.write(value) for column, value in zip(columns, joined, strict=True)]
        lines.append([f"{len(processes)} processes", "", "", *written])
    return _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Words to the left, numbers to the right."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, 2) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _age(milliseconds: float) -> str:
    seconds = max(0, int(milliseconds / 1000))
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
