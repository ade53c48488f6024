"""PgBouncer in transaction mode between persistence and Postgres: every query on whatever session is free."""

import asyncio
from pathlib import Path

import pytest

from persistence.database.migrate import migrate
from tests.support import pgbouncer
from tests.system.rollout.over_redis import survive, talking_fleet

PHONES = 40
PER_SECOND = 60.0
SESSIONS = 4
"""Far fewer than the connections of two pools: so each query meets sessions that others have used."""


@pytest.fixture
async def migrated_url(empty_database_url: str) -> str:
    """As the setup guide says: migrations go to Postgres itself."""
    await migrate(empty_database_url)
    return empty_database_url


async def test_sends_syncs_receipts_and_lists_work_behind_a_pooler_in_transaction_mode(
    migrated_url: str, redis_url: str, tmp_path: Path
) -> None:
    prepared = "on" if pgbouncer.follows_prepared_statements() else "off"
    async with pgbouncer.pgbouncer(tmp_path / "pgbouncer", migrated_url, size=SESSIONS) as url:
        settings = {"DATABASE_PREPARED_STATEMENTS": prepared, "DATABASE_POOL": "10"}
        async with talking_fleet(tmp_path, url, redis_url, PHONES, **settings) as (fleet, crowd):

            async def cut_phones() -> None:
                for device in crowd.devices[::2]:
                    device.cut()
                await asyncio.sleep(2)

            seen = await survive(fleet, crowd, PER_SECOND, cut_phones)

    assert seen.violations == []
    assert {status for status in crowd.traffic.statuses if status >= 400} == set()
    assert seen.reconnects >= PHONES // 2
