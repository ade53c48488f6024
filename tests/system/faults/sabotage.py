"""`make faults-broken`: breaks one guarantee at a time in a copy of the source, and expects the checker to notice.

The unbroken source runs first, under the same seed and the same patience: what the checker then says of a broken one is
about what was broken.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.support.fleet import ROOT
from tests.system.faults.laboratory import Patience, Verdict, run
from tests.system.faults.sabotages import SABOTAGES, Sabotage

PACKAGES = ("services", "gateway", "persistence", "pusher", "shared")
DOOMED = ("tests/__init__.py", "tests/support/__init__.py", "tests/support/doomed.py")
"""What a process that is to kill itself is started by."""
MESSAGES, FAULTS, SECONDS = 800, 8, 16.0
PATIENCE = Patience(settle_seconds=20.0)
SEEDS = (1, 2, 3, 4, 5)
"""Tried one after another: a rare interleaving may need another schedule."""


def broken(sabotage: Sabotage | None, folder: Path) -> Path:
    """A copy of what runs, with that sabotage in it."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "support").mkdir(parents=True)
    for file in DOOMED:
        shutil.copy(ROOT / file, folder / file)
    if sabotage is not None:
        sabotage.apply(folder)
    return folder


async def trial(sabotage: Sabotage | None, seed: int) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="parley-broken-") as folder:
        source = broken(sabotage, Path(folder))
        return await run(seed, messages=MESSAGES, faults=FAULTS, seconds=SECONDS, source=source, patience=PATIENCE)


def caught(sabotage: Sabotage) -> bool:
    """Tries seeds until the checker finds something, and prints what."""
    for seed in SEEDS:
        verdict = asyncio.run(trial(sabotage, seed))
        if verdict.violations:
            checks = sorted({found.split(":")[0] for found in verdict.violations})
            print(
                f"{sabotage.name}: caught by {', '.join(checks)} with seed {seed}, {verdict.seconds:.0f} s", flush=True
            )
            print(f"  {verdict.violations[0]}", flush=True)
            shutil.rmtree(verdict.directory)
            return True
    print(f"{sabotage.name}: NOT CAUGHT with seeds {SEEDS}", flush=True)
    return False


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.system.faults.sabotage", description=__doc__)
    arguments.add_argument("--only", metavar="NAME", choices=[one.name for one in SABOTAGES], help="this one alone")
    chosen = arguments.parse_args()
    sound = asyncio.run(trial(None, SEEDS[0]))
    print(sound, flush=True)
    if sound.violations:
        print("the unbroken source was not judged sound: what follows would prove nothing", flush=True)
        return 1
    tried = [one for one in SABOTAGES if chosen.only in (None, one.name)]
    missed = [one.name for one in tried if not caught(one)]
    print(f"{len(tried) - len(missed)} of {len(tried)} broken guarantees were caught", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
