"""The nursery: imports what reads pictures once, and forks a confined process for each file.

It is started without secrets. A line of JSON on its standard input is a job; when the job's process has ended, it
writes the job's number on its standard output. It ends with its parent, whose end closes the input.
"""

import json
import os
import resource
import select
import signal
import sys
from typing import Any

from media.confined.look import look

MEMORY_BYTES = 700 * 1024 * 1024
"""Of addresses, what Python and Pillow map included: a progressive picture of 25 million pixels needs 300 MB."""
CPU_SECONDS = 20
SPARE_BYTES = 16 * 1024 * 1024


def main() -> None:
    running: dict[int, int] = {}
    lines = open(sys.stdin.fileno(), "rb", buffering=0)  # noqa: SIM115 - a buffer would hide a line from select
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    wake, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        readable, _, _ = select.select([lines.fileno(), wake], [], [])
        if wake in readable:
            os.read(wake, 512)
            _reap(running)
        if lines.fileno() in readable:
            line = lines.readline()
            if not line:
                _end(running)
                return
            job = json.loads(line)
            running[_fork(job)] = job["number"]


def _fork(job: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        _confine(job["size"])
        os.chdir(job["folder"])
        look(job)
        code = 0
    finally:
        os._exit(code)


def _confine(size: int) -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES + 2 * size,  # the file is mapped
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: 2 * size + SPARE_BYTES,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _reap(running: dict[int, int]) -> None:
    while running:
        child, _ = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        number = running.pop(child, None)
        if number is not None:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


def _end(running: dict[int, int]) -> None:
    for child in running:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
