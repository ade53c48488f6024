"""Whom a server runs as: ourselves, or, as Postgres refuses root, an account without rights.

Such an account may be unable to reach the data by its path (below root's 0700 home, say). It does all the same: the
data's directory is already open, or the working directory, when the rights are dropped.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.embedded.errors import StartError

OWN_ACCOUNT = "parley"
"""Made where it is missing. An account that others share (postgres, nobody) would let them read every message."""
CREATE = ("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")


@dataclass(frozen=True)
class Account:
    """A user of this machine that a server's rights are dropped to."""

    uid: int
    gid: int


def account_for(directory: Path) -> Account | None:
    """The account to run a server of `directory` as; None is ourselves.

    Root's servers run as the directory's owner if that is somebody else (so `sudo` takes nobody's data away), else as
    OWN_ACCOUNT. The account must be in passwd: initdb looks its own name up. Raises StartError where it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    owner = directory.stat().st_uid if directory.exists() else 0
    owners = [entry for entry in pwd.getpwall() if entry.pw_uid == owner != 0]
    entry = owners[0] if owners else _own_entry()
    return Account(entry.pw_uid, entry.pw_gid)


def _own_entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(OWN_ACCOUNT)
    except KeyError:
        _create_own_account()
    return pwd.getpwnam(OWN_ACCOUNT)


def _create_own_account() -> None:
    """Two starts at once may both try: only whether the account is there afterwards counts."""
    try:
        made = subprocess.run([*CREATE, OWN_ACCOUNT], capture_output=True, text=True, check=False)
        words = made.stderr.strip()
    except FileNotFoundError:
        words = "no useradd here"
    if not any(entry.pw_name == OWN_ACCOUNT for entry in pwd.getpwall()):
        raise StartError(f"Postgres refuses to run as root: add a system user named {OWN_ACCOUNT} ({words})")


def own(path: Path, account: Account | None) -> None:
    """Give `path` alone, not what is below, to the account that the server runs as."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def write_private(path: Path, text: str, account: Account | None) -> None:
    """Write a file that only the server's account reads: whole or not there, also where we are killed in between."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    own(scratch, account)
    scratch.rename(path)


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
