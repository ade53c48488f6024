"""Programs that some tests drive and that a developer need not have."""

import os
import shutil

import pytest


def require_tool(name: str, package: str | None = None) -> str:
    """The path of a program. Without it the test is skipped, with the reason; in CI, which installs it, it fails."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is not None:
        return path
    reason = f"{name} is not installed (Debian: apt-get install {package or name})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
