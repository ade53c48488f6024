"""A few hundred pushes with every fault on, and pushers that die at it."""

from pathlib import Path

import pytest

from tests.support.fake_expo import Faults
from tests.system.push.soak import running, soak

CLEAR = Faults(too_many_requests=0.1, delay_seconds=0.05)
"""Faults of which each says clearly what Expo took."""


@pytest.mark.timeout(300)  # an entry rests for 10 s after each fault, and several may follow on each other
async def test_everybody_is_told_and_nobody_twice_without_need(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    async with running(tmp_path, database_url, redis_url, burst_seconds=1.0) as run:
        verdict = await soak(run, messages=300, per_conversation=2)

    assert run.kills
    assert verdict.holds, verdict
    assert verdict.told == 147, "all but the three whose tokens are dead"


async def test_nobody_is_told_twice_where_expos_answers_are_clear(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    async with running(tmp_path, database_url, redis_url, burst_seconds=1.0, faults=CLEAR) as run:
        verdict = await soak(run, messages=300, per_conversation=2, killing=False)

    assert run.expo.calls["rate"], "it was too busy now and then"
    assert verdict.holds, verdict
    assert verdict.told == 147, "all but the three whose tokens are dead"
    assert verdict.repeats == 0
