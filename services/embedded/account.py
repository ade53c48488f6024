"""Whom a server runs as: ourselves, or, as Postgres refuses root, an account without rights.

An account other than ours may be unable to reach the data or the binaries by their path (below root's 0700 home, say).
The data it reaches all the same, because its directory is already the working directory when the rights are dropped;
binaries that it cannot reach are copied to where it can.
"""

import os
import pwd
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from services.embedded.errors import StartError

UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")
COPIES = Path("/var/cache/parley")


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


def reachable(program: Path, tree: Path, account: Account | None) -> Path:
    """`program`, which needs the rest of `tree`, at a path where `account` can run it: where it is, or in a copy.

    Copies stand in COPIES, owned by root, one per version of the tree, and are made once.
    """
    if account is None or _can_run(program, account):
        return program
    modified = int(program.stat().st_mtime)
    copy = COPIES / f"{program.name}-{modified:x}-{program.stat().st_size:x}"
    if not copy.exists():
        _copy(tree, copy)
    return copy / program.relative_to(tree)


def _copy(tree: Path, copy: Path) -> None:
    """Copy and then rename, so that a copy is whole or not there, whoever else makes it at the same time."""
    COPIES.mkdir(parents=True, exist_ok=True)
    COPIES.chmod(0o755)
    scratch = Path(tempfile.mkdtemp(dir=COPIES))
    try:
        shutil.copytree(tree, scratch / "tree", symlinks=True)
        for path in (scratch / "tree", *(scratch / "tree").rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))
        (scratch / "tree").rename(copy)
    except OSError:
        if not copy.exists():
            raise
    finally:
        shutil.rmtree(scratch)


def _can_run(program: Path, account: Account) -> bool:
    """Whether the mode bits of `program` and of each directory above it let the account execute it."""
    real = program.resolve()
    return all(_allows(path.stat(), account) for path in (real, *real.parents))


def _allows(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
