"""python -m tests.bench: Parley beside the limit and its peers. Prints tables, writes them, JSON and a picture."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.bench import curves, plan, report
from tests.bench.job import SYSTEMS
from tests.bench.machine import UnfitMachine, check_machine
from tests.bench.plan import Counted, Job
from tests.bench.results import Results
from tests.bench.systems.over_redis import package_versions
from tests.bench.systems.processes import ROOT

JOB_SECONDS = 120.0
STOP_SECONDS = 60.0


class Failed(Exception):
    """A job gave no numbers; the text says why."""


def main() -> int:
    chosen = _arguments()
    try:
        check_machine()
    except UnfitMachine as unfit:
        print(f"bench: {unfit}", file=sys.stderr)
        return 2
    results = Results()
    jobs = plan.interleaved(_wanted(chosen, results))
    if not jobs:
        print("bench: nothing to measure is left: see --only and --systems", file=sys.stderr)
        return 2
    begun = time.monotonic()
    for number, job in enumerate(jobs, 1):
        _run(replace(job, niceness=chosen.niceness), f"[{number}/{len(jobs)}]", results, jobs[number:])
    _write(results, Path(chosen.out), time.monotonic() - begun)
    return 1 if results.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Parley and the limit, each once: under two minutes")
    parser.add_argument("--only", help="workloads whose name begins so, separated by commas")
    parser.add_argument("--systems", help="these systems alone, separated by commas")
    parser.add_argument("--times", type=int, help="run each so often")
    parser.add_argument("--niceness", type=int, default=0, help="as root, on a busy machine: -12 goes before others")
    parser.add_argument("--out", default=".bench", help="folder for report.md, results.json and growth.svg")
    return parser.parse_args()


def _wanted(chosen: argparse.Namespace, results: Results) -> Iterator[Counted]:
    missing = {name: system.missing() for name, system in SYSTEMS.items()}
    named = tuple((chosen.only or "").split(","))
    systems = set(chosen.systems.split(",")) if chosen.systems else set(SYSTEMS)
    for name in sorted(systems & {name for name, why in missing.items() if why}):
        print(f"{name} is left out: {missing[name]}")
        systems.discard(name)
    for job, times in plan.quick() if chosen.quick else plan.full():
        if job.system in systems and job.key.startswith(named):
            yield job, chosen.times or times


def _run(job: Job, place: str, results: Results, left: list[Job]) -> None:
    minutes = sum(other.seconds for other in left) / 60
    print(f"{place} {job.key}, {job.system} … ", end="", flush=True)
    begun = time.monotonic()
    try:
        results.add(job.key, job.system, _numbers(job))
    except Failed as failed:
        results.failures.append(f"{job.key}, {job.system}: {failed}")
        print(f"failed: {failed}")
        return
    noise = results.values(job.key, job.system, "noise")
    busy = f" (others took {noise[-1]:.0%} of a core)" if noise and noise[-1] > 0.1 else ""
    took = time.monotonic() - begun
    print(f"{report.one_line(job.key, job.system, results)}{busy} [{took:.0f} s, {minutes:.0f} min left]", flush=True)


def _numbers(job: Job) -> dict[str, float]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.job"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        answer, complaint = child.communicate(json.dumps(job.to_json()), JOB_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
        child.send_signal(signal.SIGINT)  # it ends what it started, then itself
        child.communicate(timeout=STOP_SECONDS)
        if isinstance(error, KeyboardInterrupt):
            raise
        raise Failed(f"no answer within {JOB_SECONDS:.0f} s") from None
    if child.returncode:
        raise Failed((complaint.strip().splitlines() or ["it said nothing"])[-1])
    numbers: dict[str, float] = json.loads(answer)
    return numbers


def _write(results: Results, folder: Path, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = report.report(results)
    machine = {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
    packages = package_versions()
    (folder / "report.md").write_text(text)
    (folder / "results.json").write_text(
        json.dumps(
            {"machine": machine, "packages": packages, "seconds": seconds, "results": results.to_json()}, indent=1
        )
    )
    (folder / "growth.svg").write_text(curves.growth(results))
    print(f"\n{text}\n{report.against_the_limit(results)}\n{seconds / 60:.1f} minutes; written to {folder}/")


if __name__ == "__main__":
    sys.exit(main())
