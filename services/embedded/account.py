"""Whom a server runs as: ourselves, or, as Postgres refuses root, an account without rights.

Such an account may be unable to reach the data by its path (below root's 0700 home, say). It does all the same: the
data's directory is already open, or the working directory, when the rights are dropped.
"""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.embedded.errors import StartError

UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine that a server's rights are dropped to."""

    uid: int
    gid: int


def account_for(directory: Path) -> Account | None:
    """The account to run a server of `directory` as; None is ourselves.

    Root's servers run as the directory's owner if that is somebody else (so `sudo` takes nobody's data away), else as
    the first of UNPRIVILEGED_ACCOUNTS. It must be in passwd: initdb looks its own name up.
    """
    if os.geteuid() != 0:
        return None
    owner = directory.stat().st_uid if directory.exists() else 0
    candidates = [entry for entry in pwd.getpwall() if entry.pw_uid == owner != 0]
    for name in UNPRIVILEGED_ACCOUNTS:
        candidates += [entry for entry in pwd.getpwall() if entry.pw_name == name]
    if not candidates:
        raise StartError(f"Postgres refuses to run as root: add a user named {' or '.join(UNPRIVILEGED_ACCOUNTS)}")
    return Account(candidates[0].pw_uid, candidates[0].pw_gid)


def own(path: Path, account: Account | None) -> None:
    """Give `path` alone, not what is below, to the account that the server runs as."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


@contextmanager
def name_for(account: Account | None, directory: Path) -> Iterator[tuple[str, list[int]]]:
    """The name by which a server opens `directory`, and the descriptors that it must inherit for that.

    On Linux an account that may not walk the path there gets an open descriptor, under its name in /proc: the kernel
    follows that to the directory itself, not along the path. Elsewhere it is the path.
    """
    if account is None or sys.platform != "linux":
        yield str(directory), []
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", [descriptor]
    finally:
        os.close(descriptor)
