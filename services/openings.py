"""What the composition roots open, each as a context: whoever opens, closes, also where the start fails half-way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg

from persistence.database.pool import DATABASE_FAILURES, Pool, open_pool
from shared.auth import TokenVerifier
from shared.auth.jwks import JwksCache
from shared.auth.verified import MOST_TOKENS
from shared.checkpoints import Checkpoints, NoCheckpoints
from shared.lifecycle import Tasks
from shared.redis import RedisClient, open_redis
from shared.settings import SettingError, Settings

START_SECONDS = 30.0
"""How long a start waits for Postgres: in a rollout, or after a node's death, everything starts at once."""
RETRY_SECONDS = 0.5
CLOSE_SECONDS = 2.0


@asynccontextmanager
async def database(
    url: str, *, size: int, prepared: bool = True, wait_seconds: float = START_SECONDS
) -> AsyncIterator[Pool]:
    """The pool. Raises SettingError where there is no Postgres within `wait_seconds`."""
    pool = await _reached(url, size, prepared, wait_seconds)
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()
        except TimeoutError:
            # A query that hangs on a frozen Postgres must not hold up the end of the process.
            pool.terminate()


async def _reached(url: str, size: int, prepared: bool, wait_seconds: float) -> Pool:
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while True:
        try:
            return await open_pool(url, size=size, prepared=prepared)
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise SettingError(f"DATABASE_URL: {error}") from None
        except asyncpg.exceptions.ClientConfigurationError as error:
            raise SettingError(f"DATABASE_URL, or a PG variable of this environment: {error}") from None
        except (*DATABASE_FAILURES, asyncpg.InvalidCatalogNameError) as error:
            if asyncio.get_running_loop().time() > deadline:
                reason = str(error) or type(error).__name__
                raise SettingError(f"DATABASE_URL: cannot reach Postgres: {reason}") from None
        await asyncio.sleep(RETRY_SECONDS)


@asynccontextmanager
async def redis_client(url: str, prefix: str, *, block_seconds: float = 0.0) -> AsyncIterator[RedisClient]:
    """A client; `block_seconds` is the longest wait of a stream's consumer that uses it."""
    client = open_redis(url, prefix=prefix, answer_seconds=2.0 + block_seconds)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def verifier(
    settings: Settings, session: aiohttp.ClientSession, tasks: Tasks, *, remembered: int = MOST_TOKENS
) -> TokenVerifier:
    """Verifies users' tokens by what is set. Raises SettingError where nothing is."""
    settings.require_keys()
    jwks = JwksCache(settings.jwt_jwks_url, session, tasks) if settings.jwt_jwks_url else None
    return TokenVerifier(
        secrets=settings.jwt_secrets,
        jwks=jwks,
        audience=settings.jwt_audience,
        role=settings.jwt_role,
        issuer=settings.jwt_issuer,
        handle_claims=settings.handle_claims,
        leeway_seconds=settings.clock_leeway_seconds,
        remembered=remembered,
    )


def checkpoints() -> Checkpoints:
    """Of a process of a deployment. The fault laboratory puts others in their place (tests/support/doomed.py)."""
    return NoCheckpoints()
