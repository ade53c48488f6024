"""`make abuse`: every attack on a fresh fleet each. Exit code 1 where bystanders, memory or log suffered."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import aiohttp

from persistence.database.migrate import migrate
from tests.support.fleet import fleet
from tests.support.servers import new_postgres, new_redis
from tests.system.abuse import pushes
from tests.system.abuse.attacks import ATTACKS
from tests.system.abuse.trial import Outcome, trial
from tests.system.abuse.wire import PROXY

ALL = [*ATTACKS, pushes.NAME]
HEAD = (
    f"{'attack':26} {'before':>12} | {'during':>12} | {'after':>12} | gw, pers MB | lines | the attacker was told\n"
    f"{'':26} bystander's p50 / p99 in ms"
)


async def flood(directory: Path, database_url: str, redis_url: str) -> list[str]:
    """Tells of the flood of pushes; what of it does not hold."""
    folder = directory / "pushes"
    folder.mkdir()
    before, during = await pushes.flood_of_pushes(folder, database_url, redis_url)
    missed = pushes.judge(before, during)
    print(f"{pushes.NAME:26} {before} | {during} | from the request to Expo", *missed, sep="\n  MISSED ", flush=True)
    return missed


async def attack(names: list[str], directory: Path, database_url: str, redis_url: str) -> list[Outcome]:
    outcomes = []
    for number, name in enumerate(names):
        folder = directory / str(number)
        folder.mkdir()
        async with (
            fleet(folder, database_url, redis_url, TRUSTED_PROXIES=PROXY) as running,
            aiohttp.ClientSession() as http,
        ):
            outcomes.append(await trial(running, http, name))
            print(outcomes[-1], *outcomes[-1].missed, sep="\n  MISSED ", flush=True)
    return outcomes


async def main(names: list[str]) -> int:
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        async with new_postgres(directory) as postgres, new_redis(directory) as redis:
            await migrate(postgres.url)
            others = [name for name in names if name != pushes.NAME]
            outcomes = await attack(others, directory, postgres.url, redis.url)
            late = await flood(directory, postgres.url, redis.url) if pushes.NAME in names else []
    return int(bool(late) or any(outcome.missed for outcome in outcomes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make abuse", description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help="only these: " + ", ".join(ALL))
    chosen = parser.parse_args().attacks or ALL
    sys.exit(asyncio.run(main(chosen)))
