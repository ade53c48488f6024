"""A few hundred pushes with every fault on, and pushers that die at it."""

from pathlib import Path

import pytest

from tests.system.push.soak import running, soak


@pytest.mark.timeout(300)  # an entry rests for 10 s after each fault, and several may follow on each other
async def test_everybody_is_told_and_nobody_twice_without_need(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    async with running(tmp_path, database_url, redis_url, burst_seconds=1.0) as run:
        verdict = await soak(run, messages=300, per_conversation=2)

    assert run.kills
    assert verdict.holds, verdict
    assert verdict.told == 147, "all but the three whose tokens are dead"
