"""The pool of connections to Postgres, and a query that is named and timed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from prometheus_client import Histogram

from persistence.database import sqlstates
from shared.ids import id_bytes, id_text
from shared.metrics import REQUEST_BUCKETS

QUERY_SECONDS = Histogram(
    "parley_persistence_query_seconds",
    "Seconds from a query's start to its last row, the wait for a connection included.",
    ["query"],
    buckets=REQUEST_BUCKETS,
)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Database: TypeAlias = "Pool | Connection"
Row: TypeAlias = asyncpg.Record


class PostgresUnable(Exception):
    """A temporary error for which asyncpg has no exception: of a newer Postgres, or of one that is none quite."""


DATABASE_FAILURES = (
    *sqlstates.TEMPORARY,
    PostgresUnable,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # also what a query meets whose connection breaks while it is being sent
    OSError,
    TimeoutError,
)
"""What a query may raise while Postgres is away, overloaded or restarting: answer 503, or try again later. Which
SQLSTATE is among them is decided in `sqlstates` alone.

A write that raised one of them may have been committed all the same.
"""

CONNECT_SECONDS = 5.0
ACQUIRE_SECONDS = 3.0
QUERY_TIMEOUT_SECONDS = 5.0
"""Far above what any query takes. A frozen Postgres then costs a request a clean 503, not its client's patience."""


ENDED_AT_MOST_EVERY_SECONDS = 1.0
"""A session that is younger is not given up: else each refused statement would cost a server that refuses all of them a
new session."""


class Session(asyncpg.Connection):
    """A connection that knows since when it is open."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.opened_at = perf_counter()


async def open_pool(url: str, *, size: int, prepared: bool = True) -> Pool:
    """A pool of up to `size` connections on which ids are canonical text. Raises DATABASE_FAILURES. Close it.

    `prepared`: whether statements are kept in the session. A pooler in transaction mode that does not follow them
    (PgBouncer before 1.21) needs False: then each query is parsed and run at once, on whatever session it gets.
    """
    options: dict[str, Any] = {"init": _set_up_session} if prepared else {"init": _set_up, "statement_cache_size": 0}
    pool: Pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=QUERY_TIMEOUT_SECONDS,
        reset=_leave_as_it_is,
        connection_class=Session,
        **options,
    )
    return pool


async def _set_up(connection: Connection) -> None:
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=id_bytes, decoder=id_text, format="binary")


async def _set_up_session(connection: Connection) -> None:
    await _set_up(connection)
    # Left to itself Postgres plans the send statement anew each time, because it guesses that unnest gives ten rows
    # where one is sent: 0.8 ms instead of 0.35. Behind a pooler in transaction mode this reaches only some connections.
    await connection.execute("SET plan_cache_mode = force_generic_plan")


async def _leave_as_it_is(_: Connection) -> None:
    """Nothing changes a session after its start, so asyncpg's reset would only cost each query a second round trip."""


class Refused(Exception):
    """Raised in a transaction to roll it back; `outcome` is what its caller is told then."""

    def __init__(self, outcome: Any) -> None:
        super().__init__("taken back")
        self.outcome = outcome


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection in a transaction, which is committed at the end and rolled back by whatever is raised."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """A connection whose statements all see the database as it was at the first of them, and write nothing."""
    async with (
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


class Borrower:
    """A connection of the pool that is kept from one query to the next by somebody who has more to ask.

    To take one and give it back costs as much CPU as a query does.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: PoolConnectionProxy[asyncpg.Record] | None = None

    async def connection(self) -> Connection:
        """The one that is kept, or one of the pool. Raises DATABASE_FAILURES."""
        if self._connection is None:
            self._connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
        return self._connection

    async def give_back(self) -> None:
        """Also one that broke: the pool then makes another in its place. No harm if none is kept."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._pool.release(connection)


def give_up_session(connection: Connection, error: asyncpg.PostgresError) -> bool:
    """Ends a session after an error that only another session can do without: on a server that became read-only, say,
    while the address leads to the primary again. The pool makes another in its place. Whether it ended it."""
    opened_at: float = getattr(connection, "opened_at", 0.0)  # a connection of nobody's pool has none
    is_young = perf_counter() - opened_at < ENDED_AT_MOST_EVERY_SECONDS
    if is_young or not sqlstates.meaning(error.sqlstate).ends_session:
        return False
    connection.terminate()
    return True


class Query:
    """One statement under the name that its metric has; `seconds`: it may take longer than others."""

    def __init__(self, name: str, sql: str, *, seconds: float | None = None) -> None:
        self.sql = sql
        self._timeout = seconds
        self._seconds = QUERY_SECONDS.labels(name)

    async def rows(self, database: Database, *arguments: Any) -> list[Row]:
        """Raises DATABASE_FAILURES for what may pass; a session that others would do better without ends by this."""
        started = perf_counter()
        try:
            if isinstance(database, asyncpg.Pool):
                async with database.acquire(timeout=ACQUIRE_SECONDS) as connection:
                    return await self._fetch(connection, arguments)
            return await self._fetch(database, arguments)
        finally:
            self._seconds.observe(perf_counter() - started)

    async def _fetch(self, connection: Connection, arguments: Sequence[Any]) -> list[Row]:
        try:
            return await connection.fetch(self.sql, *arguments, timeout=self._timeout)
        except asyncpg.PostgresError as error:
            give_up_session(connection, error)
            if isinstance(error, asyncpg.UnknownPostgresError) and sqlstates.meaning(error.sqlstate).temporary:
                raise PostgresUnable(f"{error.sqlstate}: {error}") from error
            raise

    async def row(self, database: Database, *arguments: Any) -> Row | None:
        """The first row, if there is one."""
        rows = await self.rows(database, *arguments)
        return rows[0] if rows else None


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns, for unnest: also where there is no row."""
    return [[row[index] for row in rows] for index in range(width)]
