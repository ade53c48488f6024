"""`make faults`: runs seeds until one fails or all are through; prints seed, schedule and verdict of each."""

import argparse
import asyncio
import sys

from tests.system.faults.laboratory import run


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.system.faults", description=__doc__)
    arguments.add_argument("--seed", type=int, default=1, help="the first seed")
    arguments.add_argument("--count", type=int, default=1, help="how many seeds, one after another")
    arguments.add_argument("--messages", type=int, default=2000)
    arguments.add_argument("--faults", type=int, default=16)
    arguments.add_argument("--seconds", type=float, default=32.0)
    chosen = arguments.parse_args()
    failed = 0
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        sized = {"messages": chosen.messages, "faults": chosen.faults, "seconds": chosen.seconds}
        verdict = asyncio.run(run(seed, **sized))
        print(verdict, flush=True)
        failed += bool(verdict.violations)
    print(f"{chosen.count - failed} of {chosen.count} seeds without a violation", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
