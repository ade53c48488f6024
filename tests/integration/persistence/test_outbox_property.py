"""The outbox against any sequence of sends, deaths and relays: in the end each event was published, and none waits."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.store.database import Pool
from shared import keys
from shared.checkpoints import COMMITTED, PUBLISHED
from tests.integration.persistence.parts import HaltAt, listening, parts, soon
from tests.integration.persistence.talk import conversation, draft, people
from tests.integration.persistence.test_relay import grow_old, sweep_until_empty

ACTIONS = st.sampled_from(["send", "send and die before publishing", "send and die after publishing", "relay and die"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, min_size=1, max_size=7))
async def test_every_event_is_published_whatever_dies(actions: list[str], pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    sent = 0
    async with listening(redis_url, keys.room(room)) as ear:
        for action in actions:
            sent += action != "relay and die"
            await act(action, pool, redis_url, room, ann)
        await grow_old(pool)
        async with parts(pool, redis_url) as survivor, survivor.running("publisher"):
            await sweep_until_empty(pool, survivor.relay)
    assert sorted(set(ear.seqs())) == list(range(1, sent + 1))


async def act(action: str, pool: Pool, redis_url: str, room: str, sender: str) -> None:
    halt = HaltAt(COMMITTED if "before" in action else PUBLISHED)
    checkpoints = None if action == "send" else halt
    async with parts(pool, redis_url, checkpoints) as process:
        if action == "relay and die":
            await grow_old(pool)
            async with process.running("publisher"):
                relaying = asyncio.create_task(process.relay.sweep())
                await soon(
                    asyncio.wait(
                        [relaying, reached := asyncio.create_task(halt.reached.wait())], return_when="FIRST_COMPLETED"
                    )
                )
                for task in (relaying, reached):
                    task.cancel()
                await asyncio.wait([relaying, reached])
            return
        async with process.running("publisher", "settling", "queue"):
            sending = asyncio.create_task(process.queue.send(room, draft(sender)))
            await soon(sending if action == "send" else halt.reached.wait())
        sending.cancel()
