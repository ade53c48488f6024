"""`make faults-broken`: breaks one guarantee at a time in a copy of the source, and expects it to be noticed: by the
checker of the laboratory, or by the tests that a sabotage names, where the laboratory cannot see what was broken.

For the laboratory the unbroken source runs first, under the same seed and the same patience: what the checker then says
of a broken one is about what was broken.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.fleet import ROOT
from tests.system.faults.laboratory import Patience, Verdict, run
from tests.system.faults.sabotages import SABOTAGES, Sabotage

PACKAGES = ("services", "gateway", "persistence", "pusher", "media", "webhooks", "shared")
DOOMED = ("tests/__init__.py", "tests/support/__init__.py", "tests/support/doomed.py")
"""What a process that is to kill itself is started by."""
MESSAGES, FAULTS, SECONDS = 800, 8, 16.0
PATIENCE = Patience(settle_seconds=20.0)
TESTS_SECONDS = 300.0
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
    return caught_by_tests(sabotage) if sabotage.tests else caught_by_the_laboratory(sabotage)


def caught_by_tests(sabotage: Sabotage) -> bool:
    """Runs them over the unbroken source, where they must pass, and over the broken one, where each must fail."""
    with tempfile.TemporaryDirectory(prefix="parley-sound-") as sound:
        if failed := _failed(sabotage.tests, broken(None, Path(sound))):
            print(f"{sabotage.name}: nothing is proven by what fails in the unbroken source: {failed}", flush=True)
            return False
    with tempfile.TemporaryDirectory(prefix="parley-broken-") as folder:
        failed = _failed(sabotage.tests, broken(sabotage, Path(folder)))
    noticed = failed == [*sabotage.tests]
    print(f"{sabotage.name}: {'caught' if noticed else 'NOT CAUGHT'} by {', '.join(sabotage.tests)}", flush=True)
    return noticed


def _failed(tests: Sequence[str], source: Path) -> list[str]:
    shutil.copytree(ROOT / "tests", source / "tests", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return [
        test
        for test in tests
        if subprocess.run([*command, test], cwd=source, capture_output=True, timeout=TESTS_SECONDS).returncode == 1
    ]


def caught_by_the_laboratory(sabotage: Sabotage) -> bool:
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


def is_sound() -> bool:
    sound = asyncio.run(trial(None, SEEDS[0]))
    print(sound, flush=True)
    return not sound.violations


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.system.faults.sabotage", description=__doc__)
    arguments.add_argument("--only", metavar="NAME", choices=[one.name for one in SABOTAGES], help="this one alone")
    chosen = arguments.parse_args()
    tried = [one for one in SABOTAGES if chosen.only in (None, one.name)]
    if not all(one.tests for one in tried) and not is_sound():
        print("the unbroken source was not judged sound: what follows would prove nothing", flush=True)
        return 1
    missed = [one.name for one in tried if not caught(one)]
    print(f"{len(tried) - len(missed)} of {len(tried)} broken guarantees were caught", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
