"""How large a fleet must be for so many users, and by which assumptions."""

import argparse
from dataclasses import Field, fields

from services.plan.costs import MEASURED
from services.plan.demand import Demand, Habits, demand
from services.plan.fleet import EXPO_PER_SECOND, Fleet, Limits, fleet
from services.printing import say
from shared.settings import SettingError, Settings

_HELP = {
    "messages_per_day": "messages that one user sends a day",
    "recipients": "people beside the sender who get a message",
    "online": "share of them who have a socket at that moment",
    "connected": "share of all users who have a socket in the busiest moment",
    "connects_per_day": "times that one user's socket is opened a day",
    "reads_per_day": "lists, pages and syncs of one user a day",
    "conversations": "conversations of one user",
    "peak": "the busiest moment, as a multiple of the day's average",
    "return_seconds": "within how long everyone is back after an outage",
    "utilisation": "how busy a core may be in the busiest moment",
    "gateway_connections": "the most sockets of one gateway",
    "spare_gateways": "gateways that may be away at once",
    "retention_days": "how long messages are kept",
    "shard_gib": "memory of one Redis shard",
}


_SHARES = ("online", "connected", "utilisation")
_MAY_BE_ZERO = ("online", "messages_per_day", "recipients", "connects_per_day", "reads_per_day", "spare_gateways")
_MOST = 1e9


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=int, required=True, metavar="N", help="people who use the app")
    for item in _assumptions():
        name, default = item.name.replace("_", "-"), item.default
        words = f"{_HELP[item.name]} (default: {default:g})"
        parser.add_argument(f"--{name}", type=type(default), default=default, metavar="X", help=words)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    _check(chosen)
    habits = Habits(**{item.name: getattr(chosen, item.name) for item in fields(Habits)})
    limits = Limits(**{item.name: getattr(chosen, item.name) for item in fields(Limits)})
    work = demand(chosen.users, habits)
    needed = fleet(work, MEASURED, limits, settings.database_pool)
    say("\n\n".join([_fleet_text(chosen.users, needed, work), _work_text(work), _assumed_text(chosen)]))
    return 0


def _check(chosen: argparse.Namespace) -> None:
    """Raises SettingError for a number of which no fleet follows."""
    if chosen.users < 1:
        raise SettingError("--users is malformed: a whole number above 0")
    for item in _assumptions():
        value, option = getattr(chosen, item.name), f"--{item.name.replace('_', '-')}"
        if item.name in _SHARES and not 0 <= value <= 1:
            raise SettingError(f"{option} is malformed: a share from 0 to 1")
        if not (0 <= value < _MOST if item.name in _MAY_BE_ZERO else 0 < value < _MOST):
            raise SettingError(f"{option} is malformed: a number above 0, below {_MOST:g}")


def _assumptions() -> "list[Field[float]]":
    return [*fields(Habits), *fields(Limits)]


def _fleet_text(users: int, needed: Fleet, work: Demand) -> str:
    lines = [
        f"{users:,} users, {work.connections:,.0f} of them connected, need:",
        f"  {needed.gateways:>9,}  gateways, of one core and {needed.gateway_mib + 150:,.0f} MiB each",
        f"  {needed.persistences:>9,}  persistence processes, of one core and 200 MiB each",
        f"  {needed.pushers:>9,}  pushers, of one core and 150 MiB each",
        f"  {needed.redis_shards:>9,}  Redis shards, with {needed.redis_gib:,.1f} GiB for all of them",
        f"  {needed.postgres_cores:>9,}  cores of Postgres, with {needed.postgres_gib:,.0f} GiB of messages"
        f" and {needed.database_connections:,} connections",
    ]
    if needed.postgres_cores > 64:
        lines.append("             more than one server holds: spread the tables by conversation_id, or partition")
    if needed.database_connections > 500:
        lines.append("             more connections than Postgres likes: PgBouncer in transaction mode in between")
    if needed.needs_expo_agreement:
        lines.append(
            f"             {work.pushes:,.0f} pushes/s: Expo takes {EXPO_PER_SECOND}/s, agree on more with them"
        )
    return "\n".join(lines)


def _work_text(work: Demand) -> str:
    return (
        f"In the busiest moment, a second: {work.sends:,.0f} sends, {work.deliveries:,.0f} deliveries, "
        f"{work.receipts:,.0f} receipts, {work.accepts:,.0f} connects ({work.returning:,.0f} after an outage), "
        f"{work.reads:,.0f} reads, {work.pushes:,.0f} pushes."
    )


def _assumed_text(chosen: argparse.Namespace) -> str:
    assumed = [f"  {getattr(chosen, item.name):>9,g}  {_HELP[item.name]}" for item in _assumptions()]
    costs = [f"  {name:<9} {_cost_text(name)}" for name in ("send", "deliver", "receipt", "accept", "idle", "read")]
    return "\n".join(["Assumed:", *assumed, "", "One unit costs, in µs of CPU (docs/performance.md):", *costs])


def _cost_text(name: str) -> str:
    cost = getattr(MEASURED, name)
    parts = {part.name: getattr(cost, part.name) for part in fields(cost)}
    return ", ".join(f"{part} {micros:g}" for part, micros in parts.items() if micros)
