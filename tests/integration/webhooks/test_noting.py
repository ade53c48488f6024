"""An event is noted before its outbox row goes, once, whoever notes it and whatever died in between."""

import asyncio

from persistence.log import outbox, read
from persistence.log.settling import Settling
from shared.checkpoints import PUBLISHED
from tests.integration.persistence.parts import HaltAt, running
from tests.integration.webhooks.conftest import World
from tests.integration.webhooks.endpoint import backend
from tests.integration.webhooks.waiting import settled
from tests.support.waiting import eventually


async def test_a_death_between_the_noting_and_the_outbox_repeats_and_doubles_nothing(world: World) -> None:
    pool, hooks, ann = world.rest.parts.pool, world.rest.parts.hooks, world.rest.person()
    async with backend() as app:
        webhook = await world.webhook(app, "message.new")
        room = await ann.start(world.rest.person())
        await ann.send(room, "first")
        await eventually(lambda: settled(world.rest))
        # As after a death: the event waits in the outbox again, and a process dies after it has told the followers.
        await pool.execute("INSERT INTO outbox (conversation_id, seq, created_at) VALUES ($1, 1, now())", room)
        [event] = (await read.by_seq(pool, [(room, 1)], {})).logged
        dying = HaltAt(PUBLISHED)
        settling = Settling(pool, [hooks.follow], dying)
        settling.published(event)
        async with running(settling.run()):
            await asyncio.wait_for(dying.reached.wait(), 10)
        assert [one.seq for one in await _waiting(world)] == [1]
        await asyncio.sleep(0.3)
        await world.rest.parts.relay.sweep()
        assert await _waiting(world) == []
        assert len(await world.deliveries(webhook)) == 1


async def _waiting(world: World) -> list[outbox.Overdue]:
    async with world.rest.parts.pool.acquire() as connection, connection.transaction():
        return await outbox.overdue(connection, 0, 10)


async def test_the_relay_notes_what_the_fast_path_never_told(world: World) -> None:
    pool, ann = world.rest.parts.pool, world.rest.person()
    async with backend() as app, world.delivering():
        webhook = await world.webhook(app, "message.new")
        room = await ann.start(world.rest.person())
        await ann.send(room, "first")
        await eventually(lambda: settled(world.rest))
        await pool.execute("DELETE FROM hook_deliveries")  # as if the process had died before it told anybody
        await pool.execute(
            "INSERT INTO outbox (conversation_id, seq, created_at) VALUES ($1, 1, now() - interval '1 minute')", room
        )
        await world.rest.parts.relay.sweep()

        async def is_delivered() -> bool:
            return [one["state"] for one in await world.deliveries(webhook)] == ["delivered"]

        await eventually(is_delivered)


async def test_at_the_same_instant_a_hundred_notings_of_the_same_events_make_one_row_each(world: World) -> None:
    pool, hooks, ann = world.rest.parts.pool, world.rest.parts.hooks, world.rest.person()
    async with backend() as app:
        webhook = await world.webhook(app, "message.new")
        room = await ann.start(world.rest.person())
        for number in range(5):
            await ann.send(room, str(number))
        await eventually(lambda: settled(world.rest))
        events = (await read.by_seq(pool, [(room, seq) for seq in range(1, 6)], {})).logged
        await pool.execute("DELETE FROM hook_deliveries")
        await asyncio.gather(*(hooks.follow(pool, events) for _ in range(100)))
        assert sorted(one["seq"] for one in await world.deliveries(webhook)) == [1, 2, 3, 4, 5]
