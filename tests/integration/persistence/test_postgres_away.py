"""While Postgres is away or frozen a send fails cleanly, and what failed may be repeated; afterwards all goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence.database.pool import DATABASE_FAILURES, Pool, open_pool
from persistence.messages import history
from persistence.messages.views import HistoryPage, Outcome, Repeated, Sent
from services.embedded import EmbeddedPostgres
from tests.integration.persistence.parts import Parts, parts
from tests.integration.persistence.talk import conversation, draft, people
from tests.support.servers import kill, paused, restart
from tests.support.waiting import eventually


@pytest.fixture
async def own_pool(own_postgres: EmbeddedPostgres) -> AsyncIterator[Pool]:
    pool = await open_pool(own_postgres.url, size=8)
    yield pool
    pool.terminate()


async def send_until_answered(process: Parts, room: str, sender: str, client_id: str) -> Outcome:
    """As a phone does it: the same client id, until somebody answers."""
    while True:
        try:
            return await process.queue.send(room, draft(sender, client_id=client_id))
        except DATABASE_FAILURES:
            await asyncio.sleep(0.02)


async def check_sent_once(pool: Pool, user: str, room: str, outcomes: list[Outcome]) -> None:
    page = await history.after(pool, user, room, seq=0, limit=1000)
    assert isinstance(page, HistoryPage)
    assert [message.seq for message in page.messages] == list(range(1, len(outcomes) + 1))
    answered = {outcome.message.id for outcome in outcomes if isinstance(outcome, Sent | Repeated)}
    assert answered == {message.id for message in page.messages}


async def test_a_postgres_that_dies_under_load_costs_no_message_and_doubles_none(
    own_postgres: EmbeddedPostgres, own_pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(own_pool, 2)
    room = await conversation(own_pool, ann, bob)
    async with parts(own_pool, redis_url) as process, process.running():
        sends = [
            asyncio.create_task(send_until_answered(process, room, (ann, bob)[n % 2], f"c{n}")) for n in range(200)
        ]
        await eventually(lambda: any(task.done() for task in sends))
        kill(own_postgres)
        await restart(own_postgres)
        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(*sends)
        await check_sent_once(own_pool, ann, room, outcomes)
        await eventually(lambda: swept(process))


async def swept(process: Parts) -> bool:
    await process.relay.sweep()
    return not await process.pool.fetchval("SELECT count(*) FROM outbox")


async def test_a_postgres_that_is_away_fails_a_send_at_once(
    own_postgres: EmbeddedPostgres, own_pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(own_pool, 2)
    room = await conversation(own_pool, ann, bob)
    async with parts(own_pool, redis_url) as process, process.running():
        await own_postgres.stop()
        async with asyncio.timeout(5):
            with pytest.raises(DATABASE_FAILURES):
                await process.queue.send(room, draft(ann))
        await own_postgres.start()
        outcome = await send_until_answered(process, room, ann, "c1")
        assert isinstance(outcome, Sent)


async def test_a_postgres_that_is_frozen_fails_sends_in_bounded_time(
    own_postgres: EmbeddedPostgres, own_pool: Pool, redis_url: str
) -> None:
    [ann, bob] = await people(own_pool, 2)
    rooms = [await conversation(own_pool, ann, bob, bounty_id=str(n)) for n in range(60)]
    async with parts(own_pool, redis_url) as process, process.running():
        with paused(own_postgres):
            sends = [asyncio.create_task(process.queue.send(room, draft(ann, client_id="c1"))) for room in rooms]
            done, pending = await asyncio.wait(sends, timeout=10)
            assert not pending
            assert all(isinstance(task.exception(), DATABASE_FAILURES) for task in done)
        async with asyncio.timeout(20):
            for room in rooms:
                outcome = await send_until_answered(process, room, ann, "c1")
                assert isinstance(outcome, Sent | Repeated)
                assert outcome.message.seq == 1
