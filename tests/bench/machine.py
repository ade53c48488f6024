"""The machine as Linux shows it: where processes run, and what they used, read from /proc."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CPU, LOAD_CPU = 0, 1
"""The measured server has a core of its own; Redis, clients and publisher share the other one."""

_TICK = os.sysconf("SC_CLK_TCK")


class UnfitMachine(Exception):
    """Nothing can be measured here; the text says why."""


def check_machine() -> None:
    """Raises UnfitMachine."""
    if not Path("/proc/self/schedstat").exists():
        raise UnfitMachine("the benchmarks read /proc/PID/schedstat: they need Linux")
    if not {SERVER_CPU, LOAD_CPU} <= os.sched_getaffinity(0):
        raise UnfitMachine("the benchmarks need two cores: one for the server, one for Redis and the clients")


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """What this thread starts inside runs on this cpu alone, for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def favour(pid: int, niceness: int) -> None:
    """Puts a process, and the session that it leads, before others of this machine; wants root.

    For a machine that is not quiet. Linux schedules sessions against each other first (sched(7), autogroups).
    """
    os.setpriority(os.PRIO_PROCESS, pid, niceness)
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(str(niceness))


def descendants(pid: int) -> list[int]:
    """The process and all that it started, as far as they live."""
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        try:
            for thread in Path(f"/proc/{found[-1]}/task").iterdir():
                todo += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, to the nanosecond."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except OSError:
        return 0.0


def resident_kib(pid: int) -> int:
    """Resident memory of one process, from its page map: VmRSS alone is off by what the kernel batches per cpu."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:"))


def _busy_seconds() -> dict[int, float]:
    """Of each cpu, time stolen by a hypervisor included."""
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    busy = {}
    for name, *ticks in lines[1:]:
        spent = [int(tick) for tick in ticks]
        busy[int(name[3:])] = (sum(spent[:3]) + sum(spent[5:8])) / _TICK
    return busy


@dataclass(frozen=True)
class Usage:
    """CPU seconds of each group that was watched; `others` is the share of each cpu that anything else took."""

    wall_seconds: float
    cpu: Mapping[str, float]
    others: Mapping[int, float]

    @property
    def noise(self) -> float:
        return max(self.others.values())


class Meter:
    """Watches groups of processes, each pinned to one cpu, from its making to `read`."""

    def __init__(self, groups: Mapping[str, tuple[int, Sequence[int]]]) -> None:
        """By name: the cpu, and the processes. This process is watched too, as `client` on LOAD_CPU."""
        self._groups = {**groups, "client": (LOAD_CPU, (os.getpid(),))}
        self._begun = time.monotonic()
        self._busy = _busy_seconds()
        self._spent = self._spent_now()

    def read(self) -> Usage:
        wall = time.monotonic() - self._begun
        spent = {name: now - self._spent[name] for name, now in self._spent_now().items()}
        busy = _busy_seconds()
        others = {}
        for cpu in (SERVER_CPU, LOAD_CPU):
            ours = sum(spent[name] for name, (where, _) in self._groups.items() if where == cpu)
            others[cpu] = max(0.0, busy[cpu] - self._busy[cpu] - ours) / wall
        return Usage(wall, spent, others)

    def _spent_now(self) -> dict[str, float]:
        return {name: sum(map(cpu_seconds, pids)) for name, (_, pids) in self._groups.items()}
