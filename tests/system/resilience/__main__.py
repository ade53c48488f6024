"""`make outages`: each outage at full length under a thousand clients; prints what they saw of it."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.system.resilience.crowd import crowd
from tests.system.resilience.deployment import Deployment, deployment
from tests.system.resilience.scenarios import Outage, gateway_dies, postgres_goes, redis_freezes


async def run(made: Deployment, clients: int, seconds: float) -> list[str]:
    """Prints each outcome as it comes; gives all violations."""
    found: list[str] = []
    async with crowd(made, clients) as everybody:
        outcome: Outage
        for outcome in [
            await redis_freezes(made, everybody, seconds),
            await postgres_goes(made, everybody, seconds),
            await postgres_goes(made, everybody, seconds, frozen=True),
        ]:
            print(outcome, flush=True)
            found += outcome.violations
    async with crowd(made, clients, gateways=[0]) as everybody:
        died = await gateway_dies(made, everybody, victim=0)
        print(died, flush=True)
    return found + died.violations


async def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.system.resilience", description=__doc__)
    arguments.add_argument("--clients", type=int, default=1000)
    arguments.add_argument("--seconds", type=float, default=20.0)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="parley-outages-") as directory:
        Path(directory).chmod(0o755)  # the database server runs as another user
        async with deployment(Path(directory)) as made:
            found = await run(made, chosen.clients, chosen.seconds)
    print("\n".join(f"VIOLATION {one}" for one in found) or "no violation", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
