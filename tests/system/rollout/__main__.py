"""`make rollout`: the rollout tests at full size, with their figures. Exit code 1 where a bound was missed."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from persistence.database.migrate import migrate
from tests.support.redis_cluster import redis_binary, redis_cluster
from tests.support.servers import new_postgres, new_redis
from tests.system.load_balancer import balancer
from tests.system.rollout.over_redis import survive, talking_fleet
from tests.system.rollout.rolling import Outcome, behind, restart_all
from tests.system.rollout.storm import storm
from tests.system.rollout.test_redis_cluster import kill_primary, move_busy_slots

PHONES, PER_SECOND, DRAIN_SECONDS = 1000, 200.0, 20.0
NODE_TIMEOUT_MS = 5000
"""cluster-node-timeout, as the runbook advises."""
PAUSE_SECONDS = 15.0
SOCKETS, ACCEPT_RATE = 8000, 200.0
BUNCHED = 2.0
"""Phones are asked to leave at even distances, and arrive a little less evenly."""


@dataclass(frozen=True)
class Servers:
    directory: Path
    database_url: str
    redis_url: str


async def rolling(servers: Servers, start: balancer.Starter) -> list[str]:
    settings = {"DRAIN_SECONDS": str(DRAIN_SECONDS)}
    async with behind(start, servers.directory, servers.database_url, servers.redis_url, **settings) as (fleet, front):
        seen = await restart_all(fleet, front, size=PHONES, per_second=PER_SECOND, drain_seconds=DRAIN_SECONDS)
    print(seen, flush=True)
    return _missed(seen) + _over("reconnects a second", seen.fastest_second, BUNCHED * seen.hint_rate)


async def cluster(servers: Servers) -> list[str]:
    async with contextlib.AsyncExitStack() as stack:
        nodes = redis_cluster(redis_binary(), servers.directory / "cluster", replicas=True, timeout_ms=NODE_TIMEOUT_MS)
        made = await stack.enter_async_context(nodes)
        over = talking_fleet(servers.directory, servers.database_url, made.url_of_all, PHONES)
        fleet, crowd = await stack.enter_async_context(over)
        moved = await survive(
            fleet, crowd, PER_SECOND, lambda: move_busy_slots(made, list(crowd.conversations)[:10]), after_seconds=5
        )
        print("  slots moved", moved, sep="\n", flush=True)
        died = await survive(fleet, crowd, PER_SECOND, lambda: kill_primary(made), after_seconds=8)
        print("  a primary killed", died, sep="\n", flush=True)
    return _missed(moved) + _missed(died) + _over("seconds of pause", died.longest_wait, PAUSE_SECONDS)


async def dropped(servers: Servers) -> list[str]:
    settings = {"ACCEPT_RATE": str(ACCEPT_RATE)}
    over = talking_fleet(servers.directory, servers.database_url, servers.redis_url, 20, **settings)
    async with over as (fleet, staying):
        seen = await storm(fleet, staying, SOCKETS, ACCEPT_RATE)
    print(seen, flush=True)
    return [
        *seen.violations,
        # What a gateway at rest has saved up comes on top, once; and half a second is measured a little unevenly.
        *_over("admitted in one second", seen.fastest_second, 2.2 * seen.allowed_a_second),
        *_over("loop measurements over 250 ms", seen.late, 0),
        *_over("/health failures", seen.unhealthy, 0),
    ]


SCENARIOS: dict[str, Callable[[Servers], Awaitable[list[str]]]] = {
    "haproxy": lambda servers: rolling(servers, balancer.haproxy),
    "nginx": lambda servers: rolling(servers, balancer.nginx),
    "cluster": cluster,
    "storm": dropped,
}


def _missed(seen: Outcome) -> list[str]:
    return [*seen.violations, *(f"{count} answers {status}" for status, count in seen.server_errors.items())]


def _over(what: str, value: float, bound: float) -> list[str]:
    return [f"{what}: {value:.2f}, more than {bound:.2f}"] if value > bound else []


@contextlib.asynccontextmanager
async def fresh(directory: Path) -> AsyncIterator[Servers]:
    directory.chmod(0o755)
    async with new_postgres(directory, fsync="off") as postgres, new_redis(directory) as redis:
        await migrate(postgres.url)
        yield Servers(directory, postgres.url, redis.url)


async def run(names: list[str]) -> int:
    """A directory, with every log, stays only where a bound was missed."""
    missed = 0
    for name in names:
        directory = Path(tempfile.mkdtemp(prefix=f"parley-rollout-{name}-"))
        print(f"{name}: (logs in {directory})", flush=True)
        async with fresh(directory) as servers:
            found = await SCENARIOS[name](servers)
        print("\n".join(f"  MISSED {one}" for one in found) or "  every bound held", flush=True)
        missed += len(found)
        if not found:
            shutil.rmtree(directory)
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.rollout", description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], default=list(SCENARIOS), metavar="SCENARIO")
    return asyncio.run(run(parser.parse_args().scenarios))


if __name__ == "__main__":
    sys.exit(main())
