"""What system tests share: a fleet over fresh servers, and people who talk to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
        yield session


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Where the processes' logs go."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder
