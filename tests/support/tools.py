"""Programs that some tests drive and that a developer need not have."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def require_tool(name: str, package: str | None = None, *, how: str | None = None) -> str:
    """The path of a program. Without it the test is skipped, with the reason; in CI, which installs it, it fails.

    `how` to get it, where that is not Debian's package of the same name, or of the name `package`.
    """
    places = [os.environ["PATH"], "/usr/sbin", "/sbin", str(Path(sys.executable).parent)]
    path = shutil.which(name, path=os.pathsep.join(places))
    if path is not None:
        return path
    reason = f"{name} is not installed ({how or f'Debian: apt-get install {package or name}'})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
