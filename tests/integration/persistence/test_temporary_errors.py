"""What passes is said to pass: a lock that somebody holds, a server that is read-only, a clock that was ahead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from persistence.conversations import clock
from persistence.database.migrate import migrate
from persistence.database.pool import DATABASE_FAILURES, Pool, open_pool
from persistence.messages.views import Repeated, Sent
from services.embedded import EmbeddedPostgres
from tests.integration.persistence.parts import Parts, parts
from tests.integration.persistence.talk import conversation, draft, people
from tests.support.fault_proxy import FaultProxy
from tests.support.servers import new_postgres

SIZE = 6
HEALTHY_SECONDS = 5.0


def as_parley(url: str, port: int) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=f"parley:secret@127.0.0.1:{port}"))


class Servers(NamedTuple):
    """A primary, and another server with the same role that takes no writes."""

    primary: EmbeddedPostgres
    other: EmbeddedPostgres


@asynccontextmanager
async def two_servers(folder: Path) -> AsyncIterator[Servers]:
    async with new_postgres(folder / "primary") as primary, new_postgres(folder / "other") as other:
        for server in (primary, other):
            await migrate(server.url)
            connection = await asyncpg.connect(server.url)
            await connection.execute("CREATE ROLE parley LOGIN SUPERUSER PASSWORD 'secret'")
            if server is other:
                await connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
                await connection.execute("SELECT pg_reload_conf()")
            await connection.close()
        yield Servers(primary, other)


async def is_sent(process: Parts, room: str, sender: str, client_id: str) -> bool:
    try:
        return isinstance(await process.queue.send(room, draft(sender, client_id=client_id)), Sent | Repeated)
    except DATABASE_FAILURES:
        return False


async def test_a_pool_is_healthy_within_seconds_of_the_address_leading_to_the_primary_again(
    tmp_path: Path, redis_url: str
) -> None:
    """An address that led to a read-only server for a while, whose sessions nobody cut."""
    async with (
        two_servers(tmp_path) as servers,
        FaultProxy("127.0.0.1", servers.primary.port) as address,
        pool_of(as_parley(servers.primary.url, address.port)) as pool,
        parts(pool, redis_url) as process,
        process.running(),
    ):
        [ann, bob] = await people(pool, 2)
        rooms = [await conversation(pool, ann, bob, bounty_id=str(n)) for n in range(SIZE)]
        address.lead_to("127.0.0.1", servers.other.port)
        address.cut()

        async def all_are_refused(turn: int) -> bool:
            sent = await asyncio.gather(*(is_sent(process, room, ann, f"{turn}") for room in rooms))
            return not any(sent)

        for turn in range(20):  # every session of the pool is of the read-only server by then
            assert await all_are_refused(turn)
            await asyncio.sleep(0.1)
        address.lead_to("127.0.0.1", servers.primary.port)

        async with asyncio.timeout(HEALTHY_SECONDS):
            good = 0
            while good < 10:
                sent = await asyncio.gather(*(is_sent(process, room, ann, f"x{good}") for room in rooms))
                good = good + 1 if all(sent) else 0
                await asyncio.sleep(0.05)


@asynccontextmanager
async def pool_of(url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(url, size=SIZE)
    try:
        yield pool
    finally:
        pool.terminate()


async def test_a_row_that_somebody_holds_beyond_the_roles_lock_timeout_is_a_temporary_error(
    database_url: str, redis_url: str
) -> None:
    url = f"{database_url}&options=-c%20lock_timeout%3D100ms"
    async with pool_of(url) as pool, parts(pool, redis_url) as process, process.running():
        [ann, bob] = await people(pool, 2)
        room, other = [await conversation(pool, ann, bob, bounty_id=str(n)) for n in range(2)]
        holder = await asyncpg.connect(database_url)
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", room)
            with pytest.raises(DATABASE_FAILURES) as refused:
                await process.queue.send(room, draft(ann, client_id="1"))
            assert isinstance(refused.value, asyncpg.LockNotAvailableError)
            # It is nobody else's trouble.
            assert isinstance(await process.queue.send(other, draft(ann)), Sent)
        await holder.close()
        assert isinstance(await process.queue.send(room, draft(ann, client_id="1")), Sent)


async def test_a_clock_that_was_ahead_holds_no_conversation_on_top_and_turns_no_message_back(
    database_url: str, redis_url: str
) -> None:
    async with pool_of(database_url) as pool, parts(pool, redis_url) as process, process.running():
        [ann, bob] = await people(pool, 2)
        spoken, silent, other = [await conversation(pool, ann, bob, bounty_id=str(n)) for n in range(3)]
        before = await process.queue.send(spoken, draft(ann))
        assert isinstance(before, Sent)
        ahead = "UPDATE conversations SET updated_at = now() + interval '1 day', latest_at = now() + interval '1 day'"
        await pool.execute(f"{ahead} WHERE id = ANY ($1::uuid[])", [spoken, silent])

        first, second = [await process.queue.send(spoken, draft(ann)) for _ in range(2)]
        assert isinstance(first, Sent)
        assert isinstance(second, Sent)
        assert before.message.created_at < first.message.created_at <= second.message.created_at
        assert await clock.mend(pool) == 1  # the silent one: a send mends its own
        assert await clock.mend(pool) == 0
        await process.queue.send(other, draft(ann))

        newest = await pool.fetch("SELECT id FROM conversations ORDER BY updated_at DESC")
        assert newest[0]["id"] == other
        # What waits in the outbox is as old as it is, and is relayed when its process is dead.
        assert not await pool.fetchval("SELECT count(*) FROM outbox WHERE created_at > now() + interval '1 minute'")
        third = await process.queue.send(silent, draft(ann))
        assert isinstance(third, Sent)
        assert third.message.created_at > second.message.created_at[:13]
