"""The composition root of a gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.gateway import Gateway
from services import openings
from shared.auth import TokenVerifier
from shared.lifecycle import Stop
from shared.settings import Settings
from shared.tracing import Tracing


@asynccontextmanager
async def made(settings: Settings, verifier: TokenVerifier, stop: Stop, tracing: Tracing) -> AsyncIterator[Gateway]:
    """A gateway that is not entered yet: who serves it does that between its internal and its public listener."""
    async with openings.redis_client(settings.redis_url or "", settings.redis_prefix) as redis:
        yield Gateway(settings, redis=redis, verifier=verifier, stop=stop, tracing=tracing)
