"""One launcher and one server per directory.

Two locks, because they end at different times. `launcher.lock` is held by the process that starts servers here.
`server.lock` is inherited by the server and by all that it forks: it is free only when the last of them is gone, also
after a `kill -9` of any of them, so a start never meets the rest of an earlier one (Postgres' shared memory block,
Redis' append-only file).
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path

from services.embedded.account import Account, own
from services.embedded.errors import StartError

LEFTOVER_SECONDS = 15.0  # a server whose launcher was killed shuts down by itself in about 2


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


async def hold_server_lock(directory: Path, account: Account | None) -> int:
    """Wait until nothing of an earlier server is left; the descriptor for the new server to inherit.

    Raises StartError if one is still there after LEFTOVER_SECONDS.
    """
    descriptor = _open(directory / "server.lock", account)
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while not _taken(descriptor):
        if time.monotonic() > deadline:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise StartError(f"the server of an earlier start still runs on {directory} (process {holder}): stop it")
        await asyncio.sleep(0.05)
    return descriptor
