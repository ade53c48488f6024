"""What a persistence process does for the product's numbers: it notes who was here, and computes what is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from persistence.database.pool import DATABASE_FAILURES, Pool
from persistence.stats import activity, filling
from persistence.stats.activity import Activity
from shared.lifecycle import Tasks

log = structlog.get_logger()

FLUSH_SECONDS = 10.0
FILL_SECONDS = 60.0
EXPIRE_SECONDS = 3600.0


@asynccontextmanager
async def noted_activity(pool: Pool) -> AsyncIterator[Activity]:
    """What was seen and not written is written at the end."""
    noted = Activity(pool)
    try:
        yield noted
    finally:
        try:
            await noted.flush()
        except DATABASE_FAILURES as error:
            log.warning("who was here in the last seconds is not noted", error=f"{type(error).__name__}: {error}")


def keep_numbers(tasks: Tasks, pool: Pool, noted: Activity, rules: filling.Rules) -> None:
    tasks.periodically(FLUSH_SECONDS, noted.flush, name="activity")
    tasks.periodically(FILL_SECONDS, lambda: filling.fill(pool, rules), name="stats")
    tasks.periodically(EXPIRE_SECONDS, lambda: activity.expire(pool), name="activity_retention")
