"""Whom a server runs as: ourselves, or, as Postgres refuses root, an account without rights.

Such an account may be unable to reach the data by its path (below root's 0700 home, say). It does all the same, because
the data's directory is already the working directory when the rights are dropped.
"""

import os
import pwd
import sys
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


def working_directory(directory: Path, account: Account | None) -> str:
    """The name by which a server whose working directory is `directory` opens it.

    On Linux an account that may not walk the path there (its parents are closed to it) still reaches its own working
    directory under this name: the kernel follows it to the directory itself, not along the path.
    """
    return "/proc/self/cwd" if account is not None and sys.platform == "linux" else str(directory)
