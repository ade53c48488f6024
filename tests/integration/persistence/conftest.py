"""A pool over a database of the test's own, and people who talk in it."""

from collections.abc import AsyncIterator

import pytest

from persistence.database.pool import Pool, open_pool
from shared.redis import RedisClient, open_redis


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=10)
    yield pool
    await pool.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[RedisClient]:
    client = open_redis(redis_url)
    yield client
    await client.aclose()
