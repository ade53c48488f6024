"""Fixtures of the pusher's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.pusher.world import PushWorld, push_world


@pytest.fixture
async def push(database_url: str, redis_url: str) -> AsyncIterator[PushWorld]:
    """Persistence and the fake Expo; pushers and gateways as asked for."""
    async with push_world(database_url, redis_url) as running:
        yield running
