"""The release before this one, taken from the repository's own history."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.fleet import ROOT

RECORDED = Path(__file__).with_name("previous_release.txt")
"""The commit that counts as the previous release. Whoever makes a release writes its commit here."""


def previous_release(directory: Path) -> Path:
    """A folder with its code. Skips the test where the commit is not in this clone (shallow, or no clone at all)."""
    commit = RECORDED.read_text().strip()
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=False)
    if packed.returncode != 0:
        pytest.skip(
            f"the previous release, {commit[:12]}, is not in the history here: {packed.stderr.decode().strip()}"
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory
