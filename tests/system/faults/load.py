"""The laboratory's people: devices that stay connected through everything, senders that never give up."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import aiohttp

from services.verify.client import Device
from services.verify.rest import Target
from shared.ids import new_id
from tests.system.faults.schedule import GATEWAYS, STORES
from tests.system.faults.world import World

USERS = 12
PAIRS = 8
GROUPS = 3
GROUP_SIZE = 5
TWO_DEVICES = 4
"""How many of the users have two devices."""


@dataclass
class People:
    """The devices, by user, and the conversations with their members."""

    devices: dict[str, list[Device]] = field(default_factory=dict)
    conversations: dict[str, list[str]] = field(default_factory=dict)
    running: dict[Device, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def all(self) -> list[Device]:
        return [device for devices in self.devices.values() for device in devices]

    def disconnect(self, user_id: str) -> None:
        """The user's apps are closed, for good."""
        for device in self.devices[user_id]:
            self.running[device].cancel()


@contextlib.asynccontextmanager
async def people(world: World, seed: int) -> AsyncIterator[People]:
    """All of them connected, in conversations of two and of five."""
    dice = random.Random(seed)
    made = People()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for number in range(USERS):
            _add_user(made, world, session, number, dice)
        for device in made.all:
            made.running[device] = group.create_task(device.run(), name=device.history.name)
        await _converse(made, dice)
        await asyncio.gather(*(device.connected.wait() for device in made.all))
        try:
            yield made
        finally:
            for task in made.running.values():
                task.cancel()


def _add_user(made: People, world: World, session: aiohttp.ClientSession, number: int, dice: random.Random) -> None:
    user_id = new_id()
    token = world.fleet.token(user_id, f"user{number}")
    made.devices[user_id] = [
        Device(
            session,
            _spread(world, dice.getrandbits(32)),
            user_id,
            lambda: token,
            name=f"user{number}/{device}",
            seed=dice.getrandbits(32),
            silence_seconds=8.0,
        )
        for device in range(2 if number < TWO_DEVICES else 1)
    ]


def _spread(world: World, seed: int) -> Callable[[], Target]:
    """As a load balancer does: each try goes to any of the gateways, and of the stores."""
    dice = random.Random(seed)

    def target() -> Target:
        return Target(world.url_for_clients(dice.choice(STORES)), world.url_for_clients(dice.choice(GATEWAYS), "ws"))

    return target


async def _converse(made: People, dice: random.Random) -> None:
    users = list(made.devices)
    for members in _circles(users, dice):
        creator = made.devices[members[0]][0]
        made.conversations[await creator.rest.create(members, group=len(members) > 2, name="circle")] = members


def _circles(users: list[str], dice: random.Random) -> Iterator[list[str]]:
    for number in range(PAIRS):
        yield [users[number], users[(number * 5 + 7) % len(users)]]
    for _ in range(GROUPS):
        yield dice.sample(users, GROUP_SIZE)


async def chatter(made: People, seed: int, *, messages: int, per_second: float) -> None:
    """Sends so many messages at that pace, from random members of random conversations, and reads now and then."""
    dice = random.Random(seed)
    conversations = list(made.conversations)
    async with asyncio.TaskGroup() as group:
        for number in range(messages):
            conversation_id = dice.choice(conversations)
            sender = dice.choice(made.devices[dice.choice(made.conversations[conversation_id])])
            group.create_task(sender.send(conversation_id, f"m{number}", f"message {number}"))
            if dice.random() < 0.2:
                reader = dice.choice(made.all)
                group.create_task(reader.read_all(dice.choice(conversations)))
            await asyncio.sleep(1 / per_second)
