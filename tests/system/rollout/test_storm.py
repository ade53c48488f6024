"""All sockets dropped at once come back at the pace of ACCEPT_RATE, and harm nobody meanwhile."""

from pathlib import Path

from tests.system.rollout.over_redis import talking_fleet
from tests.system.rollout.storm import storm

SOCKETS = 300
ACCEPT_RATE = 20.0
SAVED_UP = 2
"""A gateway at rest has a second's admissions saved up; and a busy machine lets them bunch."""


async def test_those_who_were_dropped_at_once_come_back_at_the_admission_rate(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = {"ACCEPT_RATE": str(ACCEPT_RATE), "HEARTBEAT_SECONDS": "10"}
    async with talking_fleet(tmp_path, database_url, redis_url, 20, **settings) as (fleet, staying):
        seen = await storm(fleet, staying, SOCKETS, ACCEPT_RATE)

    print(seen)
    assert seen.refused > 0
    assert seen.fastest_second <= SAVED_UP * seen.allowed_a_second * 1.5
    assert seen.unhealthy == 0
    assert seen.staying_lost == 0
    assert seen.violations == []
