"""The outboxes against any sequence of sends, changes of membership, deaths and relays: in the end each event was
published, and none waits."""

import asyncio

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from persistence.conversations import announcing
from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from shared import keys
from shared.checkpoints import COMMITTED, PUBLISHED
from shared.ids import new_id
from shared.wire import Kind
from tests.integration.persistence.parts import Ear, HaltAt, listening, parts, soon
from tests.integration.persistence.talk import conversation, draft, made, people
from tests.integration.persistence.test_relay import grow_old, sweep_until_empty
from tests.support.waiting import eventually

ACTIONS = st.sampled_from(
    [
        "send",
        "send and die before publishing",
        "send and die after publishing",
        "relay and die",
        "make a conversation and die before telling",
        "make a conversation and die at some moment",
        "hide and die before telling",
    ]
)


@settings(
    max_examples=20,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # a failure is a wait that ends: a smaller one is not worth it
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(actions=st.lists(ACTIONS, min_size=1, max_size=8))
async def test_every_event_is_published_whatever_dies(actions: list[str], pool: Pool, redis_url: str) -> None:
    [ann, bob] = await people(pool, 2)
    room = await conversation(pool, ann, bob)
    async with listening(redis_url, keys.room(room), keys.user(bob)) as ear:
        for action in actions:
            await act(action, pool, redis_url, room, ann, bob)
        await grow_old(pool)
        async with (
            parts(pool, redis_url) as one,
            parts(pool, redis_url) as two,
            one.running("publisher"),
            two.running("publisher"),
        ):
            await sweep_until_empty(pool, one.relay, two.relay)
        sent = sum(action.startswith("send") for action in actions)
        versions = await pool.fetchval("SELECT version FROM users WHERE id = $1", bob)
        await eventually(lambda: set(ear.seqs()) == set(range(1, sent + 1)))
        await eventually(lambda: told_versions(ear) == set(range(1, versions + 1)))


def told_versions(ear: Ear) -> set[int]:
    return {envelope.seq for envelope in ear.of(Kind.JOINED, Kind.HIDDEN, Kind.LEFT)}


async def act(action: str, pool: Pool, redis_url: str, room: str, sender: str, other: str) -> None:
    if action == "hide and die before telling":
        await conversations.hide(pool, other, room)
    elif action == "make a conversation and die before telling":
        await conversation(pool, sender, other, bounty_id=new_id())
    elif action == "make a conversation and die at some moment":
        async with parts(pool, redis_url) as process, process.running("publisher", "settling", "memberships"):
            await announcing.joined(process.memberships, await made(pool, sender, [other], bounty_id=new_id()))
            await asyncio.sleep(0)
    else:
        await send_or_relay(action, pool, redis_url, room, sender)


async def send_or_relay(action: str, pool: Pool, redis_url: str, room: str, sender: str) -> None:
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
        async with process.running("publisher", "settling", "memberships", "queue"):
            sending = asyncio.create_task(process.queue.send(room, draft(sender)))
            await soon(sending if action == "send" else halt.reached.wait())
        sending.cancel()
