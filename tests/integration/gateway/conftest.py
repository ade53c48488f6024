"""Fixtures of the gateway's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.world import OwnSite, World, world


@pytest.fixture
async def parley(database_url: str, redis_url: str) -> AsyncIterator[World]:
    """A persistence process, and gateways as asked for."""
    async with world(database_url, redis_url) as running:
        yield running


@pytest.fixture
async def site(parley: World) -> OwnSite:
    """One gateway."""
    return await parley.gateway()
