"""Brings a database's schema up to date from plain SQL files, `migrations/NNNN_name.sql`.

Each file is one transaction, recorded with the file's SHA-256 in the same one: a failed statement leaves nothing of it.
A file that begins with the line `-- no-transaction` is for what Postgres refuses there (CREATE INDEX CONCURRENTLY): its
statements, each ending a line with `;`, run one by one, so they must bear being run again after a failure.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

DIRECTORY = Path(__file__).parents[1] / "migrations"
NO_TRANSACTION = "-- no-transaction"
OWN_TRANSACTION = re.compile(r"^\s*(BEGIN|START TRANSACTION|COMMIT|ROLLBACK)\s*;", re.MULTILINE | re.IGNORECASE)
LOCK_KEY = 0x7061726C6579  # "parley"; advisory locks are per database
LOCK_POLL_SECONDS = 0.1
LOCK_SECONDS = 600.0

# Row level security without a policy: Supabase publishes every other table of `public` to the holders of its anon key.
CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS parley_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE parley_migrations ENABLE ROW LEVEL SECURITY;
"""


class MigrationError(Exception):
    """The schema could not be brought up to date; the text is one line that names the file or setting and says why."""


@dataclass(frozen=True)
class Migration:
    """One file."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        return not self.sql.startswith(NO_TRANSACTION)


async def migrate(database_url: str, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is pending, in the order of the numbers; the names of the files that this call applied.

    Safe when several processes call it at once: one applies, the others wait and find nothing to do. Wants a direct
    connection, not a pooler's in transaction mode. Files that the database knows and `directory` does not are left
    alone: during a rollout an older release meets a newer schema.
    Raises MigrationError, also where the database cannot be reached.
    """
    migrations = read(directory)
    connection = await _connect(database_url)
    try:
        await _take_lock(connection)
        await connection.execute(CREATE_RECORD)
        pending = _pending(migrations, await _applied(connection))
        for migration in pending:
            await _apply(connection, migration)
    finally:
        await connection.close()  # which also gives the lock back
    return [migration.name for migration in pending]


async def _connect(database_url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(database_url)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise MigrationError(f"DATABASE_URL: cannot reach Postgres: {reason}") from None


def read(directory: Path) -> list[Migration]:
    """The migrations of a directory in order. Raises MigrationError where a file could not be one."""
    files = sorted(directory.glob("*.sql"))
    numbers: dict[str, str] = {}
    for file in files:
        if not re.fullmatch(r"\d{4}_\w+\.sql", file.name):
            raise MigrationError(f"{file.name}: a migration is named NNNN_what_it_does.sql")
        other = numbers.setdefault(file.name[:4], file.name)
        if other != file.name:
            raise MigrationError(f"{file.name} and {other} have the same number")
    migrations = [Migration(file.name, file.read_text(encoding="utf-8")) for file in files]
    for migration in migrations:
        if OWN_TRANSACTION.search(migration.sql):
            raise MigrationError(f"{migration.name}: no BEGIN or COMMIT of its own, its transaction is the runner's")
    return migrations


def _pending(migrations: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationError(
                f"{migration.name} was changed after it was applied: restore it, and put the change into a new file"
            )
    return [migration for migration in migrations if migration.name not in applied]


async def _applied(connection: asyncpg.Connection) -> dict[str, str]:
    return {row["name"]: row["sha256"] for row in await connection.fetch("SELECT name, sha256 FROM parley_migrations")}


async def _take_lock(connection: asyncpg.Connection) -> None:
    # Polled: one who waits inside pg_advisory_lock() holds a snapshot, for which the holder's CREATE INDEX CONCURRENTLY
    # waits in turn, and Postgres ends one of them as a deadlock.
    deadline = time.monotonic() + LOCK_SECONDS
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if time.monotonic() > deadline:
            raise MigrationError(f"another process has been migrating this database for {LOCK_SECONDS:.0f} s")
        await asyncio.sleep(LOCK_POLL_SECONDS)


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await _record(connection, migration)
        else:
            for statement in _statements(migration.sql):
                await connection.execute(statement)
            await _record(connection, migration)
        await connection.execute("RESET ALL")  # a file's own SET lock_timeout is not the next one's
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name}{_line(migration, error)}: {error}") from error


def _statements(sql: str) -> list[str]:
    return [statement for statement in re.split(r";[ \t]*$", sql, flags=re.MULTILINE) if _code(statement)]


def _code(statement: str) -> str:
    return re.sub(r"--.*$", "", statement, flags=re.MULTILINE).strip()


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO parley_migrations (name, sha256) VALUES ($1, $2)", migration.name, migration.sha256
    )


def _line(migration: Migration, error: asyncpg.PostgresError) -> str:
    """`, line N` where Postgres says at which character of the file it stopped."""
    position = getattr(error, "position", None)
    if position is None or not migration.in_transaction:
        return ""
    return f", line {migration.sql.count(chr(10), 0, int(position) - 1) + 1}"
