"""A server as a child process: started with dropped rights, watched, and stopped with us."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.embedded.account import Account, own
from services.embedded.errors import StartError

# Nothing of our own environment: it holds secrets that a server has no use for.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 8192
TELLING_WORDS = ("FATAL", "PANIC", "DETAIL", "HINT", "rror", "WARN", "not ")


# The shell becomes the server once it is told to: a launcher that dies before that leaves no server behind.
GATE = ("/bin/sh", "-c", 'read -r _ && exec "$@"', "gate")


class Child:
    """A server's process, and the watcher that ends the server when we end. `dismiss` the watcher after the end."""

    def __init__(self, process: subprocess.Popen[bytes], watcher: "Watcher") -> None:
        self.process = process
        self._watcher = watcher

    @property
    def pid(self) -> int:
        return self.process.pid

    def dismiss(self) -> None:
        self._watcher.dismiss()


def spawn(
    command: Sequence[str],
    directory: Path,
    account: Account | None,
    log: Path,
    *,
    keep: Sequence[int],
    signal_when_orphaned: int,
    note: Callable[[int], None] = lambda pid: None,
) -> Child:
    """Start `command` in `directory` and in a session of its own (Ctrl-C is ours to pass on), as `account`.

    `log` gets the output of the server, `keep` names the descriptors that the server inherits, and `note` is told the
    pid. The server runs only after its watcher stands and `note` has returned: whenever we are killed, either no
    server was started, or somebody ends it with `signal_when_orphaned`.
    """
    with log.open("wb") as output:
        own(log, account)
        process = subprocess.Popen(
            [*GATE, *command],
            cwd=directory,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else (),
        )
    child = Child(process, Watcher(process.pid, signal_when_orphaned))
    note(process.pid)
    _open_gate(process)
    return child


def _open_gate(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(b"\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # the shell is gone: whoever waits for the server is told by its exit code and log


class Watcher:
    """Ends a server when we end, also when we are killed.

    A shell that waits on a pipe of ours: the kernel closes the pipe when we are gone, however we went. The shell does
    the same on Linux and on macOS, and unlike PR_SET_PDEATHSIG needs no code between fork and exec and hangs on no
    thread.
    """

    def __init__(self, pid: int, signal_number: int) -> None:
        script = 'read -r _; kill -s "$1" "$2" 2>/dev/null'  # the server may have ended by itself
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", script, "watch", signal.Signals(signal_number).name[3:], str(pid)],
            stdin=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """The server is gone: its pid may soon be another's."""
        self._shell.kill()
        self._shell.wait()
        assert self._shell.stdin is not None
        self._shell.stdin.close()


async def ended(
    child: subprocess.Popen[bytes], seconds: float | None = None, poll_seconds: float = POLL_SECONDS
) -> bool:
    """Wait, at most `seconds`, for the child's end; whether it has ended."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while child.poll() is None:
        if deadline is not None and time.monotonic() > deadline:
            return False
        await asyncio.sleep(poll_seconds)
    return True


async def stop(child: subprocess.Popen[bytes], *steps: tuple[int, float]) -> None:
    """Send each step's signal and wait its seconds, until the child is gone; after the last one kill it."""
    for signal_number, seconds in steps:
        if child.poll() is None:
            child.send_signal(signal_number)
        if await ended(child, seconds):
            return
    child.kill()
    await ended(child)


def failure(name: str, log: Path) -> StartError:
    """The error to raise when `name` ended instead of starting, with the words of its log that say why."""
    lines = [line.strip() for line in tail(log).splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in TELLING_WORDS)] or lines
    return StartError(f"{name} did not start: {' / '.join(telling[-4:]) or 'it said nothing'} (all of it: {log})")


def tail(log: Path) -> str:
    """The end of a log."""
    with log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
