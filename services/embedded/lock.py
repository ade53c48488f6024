"""One launcher and one server per directory.

Two locks, because they end at different times. `launcher.lock` is held by the process that starts servers here.
`server.lock` is inherited by the server and by all that it forks: it is free only when the last of them is gone, also
after a `kill -9` of any of them, so a start never meets the rest of an earlier one (Postgres' shared memory block,
Redis' append-only file).
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

from services.embedded.account import Account, own
from services.embedded.errors import StartError

LEFTOVER_SECONDS = 15.0  # a server whose launcher was killed is ended by its watcher in about 2
WATCHER_SECONDS = 4.0
"""How long the watcher of a killed launcher has for that, before the next start ends the server itself."""


def _open(path: Path, account: Account | None) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    own(path, account)
    return descriptor


def _taken(descriptor: int) -> bool:
    """Try to take the lock; whether it was taken by us now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"


def note_holder(descriptor: int, pid: int) -> None:
    """Write into a lock who holds it, for the message that the next one gets."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(pid).encode(), 0)


def hold_launcher_lock(directory: Path, account: Account | None) -> int:
    """Take the directory for this process; the descriptor to close when done with it.

    Raises StartError at once if another process has it.
    """
    descriptor = _open(directory / "launcher.lock", account)
    if not _taken(descriptor):
        holder = _holder(descriptor)
        os.close(descriptor)
        raise StartError(
            f"{directory} is in use by another Parley (process {holder}); stop it or choose another --data"
        )
    note_holder(descriptor, os.getpid())
    return descriptor


async def hold_server_lock(directory: Path, account: Account | None, end_signals: Sequence[int]) -> int:
    """Wait until nothing of an earlier server is left; the descriptor for the new server to inherit.

    To be called with the launcher's lock: so a server that still holds this one has no launcher any more, and is ended
    by `end_signals`, one after another. Raises StartError if the server is still there after LEFTOVER_SECONDS.
    """
    descriptor = _open(directory / "server.lock", account)
    begun, signals = time.monotonic(), list(end_signals)
    while not _taken(descriptor):
        waited = time.monotonic() - begun
        if waited > LEFTOVER_SECONDS:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise StartError(f"the server of an earlier start still runs on {directory} (process {holder}): stop it")
        if signals and waited > WATCHER_SECONDS * (1 + len(end_signals) - len(signals)):
            _end_orphan(_holder(descriptor), directory, signals.pop(0))
        await asyncio.sleep(0.05)
    return descriptor


def _end_orphan(holder: str, directory: Path, signal_number: int) -> None:
    """Signal the process whose pid stands in the lock, if that process still holds the lock open."""
    if holder.isdecimal() and _has_open(int(holder), directory / "server.lock"):
        with contextlib.suppress(ProcessLookupError):  # the process ended in between, which is what we want
            os.kill(int(holder), signal_number)


def _has_open(pid: int, path: Path) -> bool:
    """Whether the process has this file open; False where the system does not tell (/proc is Linux's)."""
    try:
        return any(Path(entry).resolve() == path.resolve() for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
