"""Whoever notes, claims, settles, replays, changes and deletes at one instant waits for nobody who waits for them."""

import asyncio
import random
from datetime import UTC, datetime

from persistence.log import read
from persistence.log.logged import Logged
from persistence.webhooks import claims, deliveries, outcomes, store
from persistence.webhooks.deliveries import Choice
from persistence.webhooks.vault import Vault
from persistence.webhooks.views import NewWebhook
from shared.auth.caller import Actor
from shared.hooks_api import Outcome
from tests.integration.webhooks.conftest import World

ROUNDS = 40
CLI = Actor("cli", "tests")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Writers:
    """Few webhooks and few events, so that whatever is written meets something else."""

    def __init__(self, world: World, events: list[Logged]) -> None:
        self.pool, self.hooks, self.events = world.rest.parts.pool, world.rest.parts.hooks, events
        self.dice, self.vault = random.Random(7), Vault([b"k" * 32])
        self.all = [self.make, self.note, self.note, self.deliver, self.deliver, self.replay, self.change, self.delete]

    async def make(self) -> None:
        await store.create(self.pool, CLI, self.vault, NewWebhook("https://app.example/", ["*"], "", 2))
        await self.hooks.refresh()

    async def note(self) -> None:
        await self.hooks.follow(self.pool, self.dice.sample(self.events, 8))

    async def deliver(self) -> None:
        claimed = await claims.claim(self.pool, self.vault, 0.01)
        told = [
            Outcome(work.endpoint.id, [(one.conversation_id, one.event_id)], 500, self.dice.choice([None, "no"]), 1)
            for work in claimed.work
            for one in work.deliveries
        ]
        self.dice.shuffle(told)
        await outcomes.settle(self.pool, self.hooks, told)

    async def replay(self) -> None:
        for one in await self._some():
            await deliveries.replay(self.pool, one, Choice(since=LONG_AGO, all_states=True))

    async def change(self) -> None:
        for one in await self._some():
            await store.change(self.pool, CLI, one, NewWebhook(active=self.dice.random() < 0.8))

    async def delete(self) -> None:
        for one in (await self._some())[:1]:
            await store.delete(self.pool, CLI, one)

    async def _some(self) -> list[str]:
        everyone = [one.id for one in await store.everyone(self.pool)]
        return self.dice.sample(everyone, min(2, len(everyone)))


async def test_no_two_writers_of_webhooks_wait_for_each_other(world: World) -> None:
    pool, ann, bob = world.rest.parts.pool, world.rest.person(), world.rest.person()
    rooms = [await ann.start(bob, bountyId=str(number)) for number in range(3)]
    for room in rooms:
        for number in range(4):
            await ann.send(room, str(number))
    keys = [(room, seq) for room in sorted(rooms) for seq in range(1, 5)]
    writers = Writers(world, (await read.by_seq(pool, keys, {})).logged)
    for _ in range(4):
        await writers.make()
    for _ in range(ROUNDS):
        await asyncio.gather(*(writers.dice.choice(writers.all)() for _ in range(6)))
    assert await pool.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
