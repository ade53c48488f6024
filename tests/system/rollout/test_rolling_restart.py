"""A rolling restart of everything loses nothing, and is no stampede."""

from pathlib import Path

import pytest

from tests.system.load_balancer import balancer
from tests.system.load_balancer.balancer import Starter
from tests.system.rollout.rolling import behind, restart_all

PHONES = 80
DRAIN_SECONDS = 2.0
BUSY = 3
"""A busy machine holds phones up and lets them come in a bunch."""


@pytest.mark.parametrize("starter", [balancer.haproxy, balancer.nginx], ids=["haproxy", "nginx"])
async def test_a_rolling_restart_of_everything_loses_nothing_and_is_no_stampede(
    starter: Starter, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with behind(starter, tmp_path, database_url, redis_url, DRAIN_SECONDS=str(DRAIN_SECONDS)) as (fleet, front):
        seen = await restart_all(fleet, front, size=PHONES, per_second=40, drain_seconds=DRAIN_SECONDS)

    print(seen)
    assert seen.violations == []
    assert seen.server_errors == {}
    assert seen.reconnects >= PHONES
    assert seen.fastest_second <= BUSY * seen.hint_rate
