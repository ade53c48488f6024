"""Proof that Postgres takes writes. A SELECT is answered by a replica, and by a server that was made read-only."""

import asyncpg

from persistence.database.pool import ACQUIRE_SECONDS, Pool, give_up_session

# One round trip. A row of its own: no two processes wait for each other, and none that is held up locks a row.
_WRITE = "BEGIN; INSERT INTO refusals (subject, refused) VALUES ('probe:' || gen_random_uuid(), false); ROLLBACK"


async def write(pool: Pool) -> None:
    """Writes a row, and takes it back. Raises DATABASE_FAILURES, or PostgresError where the role may not.

    A session that this ends (see `give_up_session`) takes the others of the pool with it, each once it is given back:
    the server behind the address is another one.
    """
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        try:
            await connection.execute(_WRITE)
        except asyncpg.PostgresError as error:
            if give_up_session(connection, error):
                await pool.expire_connections()
            elif not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
