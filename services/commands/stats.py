"""The fleet at a glance: who runs, what each holds, how fast and how late."""

import argparse
import asyncio
import sys

import msgspec

from services import attached, openings
from services.commands import EXIT_CODES, described
from services.fleet.lacks import lacks
from services.fleet.mixture import mixture
from services.fleet.process import Process, Registry
from services.fleet.table import tables
from services.printing import say
from shared.clock import now_iso, now_ms
from shared.redis import REDIS_FAILURES
from shared.settings import SettingError, Settings
from shared.texts import escaped

SHORTEST_SECONDS = 0.1

HELP = f"""
A line for each gateway, persistence process and pusher that runs, as each said within the last LEASE_SECONDS: its
sockets, rooms and users; a second, of the last moments: messages committed, events delivered, sockets opened and
closed, pushes; and how late it is: its event loop, the oldest change in the outbox, the oldest entry of the push
streams. BULK: what of them single senders have beyond their share. STATE is `serving`, `draining`, or `without` the
parts that it lacks; the worst come first. A service of which no process serves is named before all tables, and
deployments that share the Redis without a REDIS_PREFIX.

needs: REDIS_URL, else the Redis of an `up` that runs (--data)

  python -m services stats
  python -m services stats --watch
  python -m services stats --json | jq '.processes[] | select(.service == "gateway") | .numbers.connections'

{EXIT_CODES}
1 here: no gateway serves, or no persistence process, or several deployments share the Redis.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    described(parser, HELP)
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument("--interval", type=float, default=2.0, metavar="SECONDS", help="of --watch (default: 2)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    attached.data_argument(parser)


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    if chosen.interval < SHORTEST_SECONDS:
        raise SettingError(f"--interval is malformed: a number of seconds from {SHORTEST_SECONDS}")
    async with openings.redis_client(attached.redis_url(settings, chosen), settings.redis_prefix) as redis:
        registry = Registry(redis)
        try:
            while True:
                running = await registry.running()
                _show(running, as_json=chosen.json, clear=chosen.watch and sys.stdout.isatty())
                if not chosen.watch:
                    return 1 if mixture(running) or any(faults.is_outage for faults in lacks(running)) else 0
                await asyncio.sleep(chosen.interval)
        except REDIS_FAILURES as error:
            raise SettingError(f"REDIS_URL: {error}") from None


class Snapshot(msgspec.Struct):
    at: str
    processes: list[Process]
    lacks: list[str]
    """What is wrong with the fleet, in words; empty where every service serves."""


def _show(running: list[Process], *, as_json: bool, clear: bool) -> None:
    if as_json:
        say(msgspec.json.encode(Snapshot(now_iso(), running, _words(running))).decode())
        return
    if clear:
        print("\x1b[2J\x1b[H", end="")
    say("\n\n".join(["\n".join(_words(running)), tables(running, now_ms())]).strip())


def _words(running: list[Process]) -> list[str]:
    mixed = mixture(running)
    return [*([escaped(mixed)] if mixed else []), *(one.text for one in lacks(running))]
