"""The laboratory's people: devices that stay connected through everything, senders that never give up."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from services.verify.client import Device
from services.verify.rest import Rest, Target
from shared.ids import new_id
from tests.system.faults.schedule import GATEWAYS, STORES
from tests.system.faults.world import World

USERS = 12
PAIRS = 8
GROUPS = 3
GROUP_SIZE = 5
TWO_DEVICES = 4
"""How many of the users have two devices."""
ASLEEP = 2
"""How many more have only a phone in a pocket: no connection, so that every message must reach them by push."""
MESSAGES_PER_CIRCLE = 100
"""How often somebody begins a new conversation, in which messages follow at once."""
READ, READ_PAST_THE_END, READ_EARLIER = 0.2, 0.03, 0.05
"""How often a message is followed by a read of its conversation: of what is there, of more, of less."""
CORNERS = 6
"""Conversations of two which these hide, speak in and open again."""
HIDE, SPEAK, REOPEN = 0.03, 0.05, 0.01
"""How often a message is followed by that, in some corner."""


@dataclass
class People:
    """The devices, by user, and the conversations with their members.

    `asleep` have a device that is never switched on, and a push token. `quiet` are conversations without traffic,
    `corners` those that are hidden at times.
    """

    session: aiohttp.ClientSession
    group: asyncio.TaskGroup
    devices: dict[str, list[Device]] = field(default_factory=dict)
    conversations: dict[str, list[str]] = field(default_factory=dict)
    quiet: dict[str, list[str]] = field(default_factory=dict)
    corners: dict[str, list[str]] = field(default_factory=dict)
    asleep: dict[str, str] = field(default_factory=dict)
    running: dict[Device, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def all(self) -> list[Device]:
        return [device for devices in self.devices.values() for device in devices]

    @property
    def awake(self) -> list[str]:
        return [user_id for user_id in self.devices if user_id not in self.asleep]

    @property
    def rests(self) -> dict[str, Rest]:
        return {user_id: devices[0].rest for user_id, devices in self.devices.items()}

    def switch_on(self, device: Device) -> None:
        self.running[device] = self.group.create_task(device.run(), name=device.history.name)

    def disconnect(self, user_id: str) -> None:
        """The user's apps are closed, for good."""
        for device in self.devices[user_id]:
            self.running[device].cancel()

    def member_of(self, conversation_id: str, dice: random.Random) -> Device:
        """Any device of any member."""
        members = [one for one in self.conversations[conversation_id] if one not in self.asleep]
        return dice.choice(self.devices[dice.choice(members)])


@contextlib.asynccontextmanager
async def people(world: World, seed: int) -> AsyncIterator[People]:
    """All of them connected, in conversations of two and of five."""
    dice = random.Random(seed)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        made = People(session, group)
        for number in range(USERS):
            add_user(made, world, f"user{number}", dice, devices=2 if number < TWO_DEVICES else 1)
        for device in made.all:
            made.switch_on(device)
        for members in _circles(made.awake, dice):
            await _begin(made, members)
        for number in range(CORNERS):
            await _meet_in_a_corner(made, made.awake[number::CORNERS][:2])
        await _add_asleep(made, world, dice)
        await asyncio.gather(*(device.connected.wait() for device in made.running))
        try:
            yield made
        finally:
            for task in made.running.values():
                task.cancel()


def add_user(
    made: People, world: World, name: str, dice: random.Random, *, devices: int = 1, gateway: str | None = None
) -> str:
    """Their id; the devices are not switched on. `gateway` is the only one that they go to, if named."""
    user_id = new_id()
    token = world.fleet.token(user_id, name)
    made.devices[user_id] = [
        Device(
            made.session,
            _spread(world, (gateway,) if gateway else GATEWAYS, dice.getrandbits(32)),
            user_id,
            lambda: token,
            name=f"{name}/{device}",
            seed=dice.getrandbits(32),
            silence_seconds=8.0,
        )
        for device in range(devices)
    ]
    return user_id


def _spread(world: World, gateways: Sequence[str], seed: int) -> Callable[[], Target]:
    """As a load balancer does: each try goes to any of the gateways, and of the stores."""
    dice = random.Random(seed)

    def target() -> Target:
        return Target(world.url_for_clients(dice.choice(STORES)), world.url_for_clients(dice.choice(gateways), "ws"))

    return target


async def _add_asleep(made: People, world: World, dice: random.Random) -> None:
    """Each in a conversation with somebody who is awake."""
    awake = made.awake
    for number in range(ASLEEP):
        user_id = add_user(made, world, f"asleep{number}", dice)
        made.asleep[user_id] = f"ExponentPushToken[asleep{number}]"
        phone = {"token": made.asleep[user_id], "platform": "ios"}
        await made.devices[user_id][0].rest.persist("POST", "/notifications/register-token", phone)
        members = [awake[number], user_id]
        made.conversations[await made.devices[awake[number]][0].rest.create(members, group=False)] = members


async def _begin(made: People, members: list[str]) -> None:
    """A conversation of their own. Where the answer was lost there are two of it, and this one is spoken in."""
    creator = made.devices[members[0]][0]
    made.conversations[await creator.rest.create(members, group=True, name="circle")] = members


async def _meet_in_a_corner(made: People, members: list[str]) -> None:
    made.corners[await made.devices[members[0]][0].rest.create(members, group=False)] = members


def _circles(users: list[str], dice: random.Random) -> Iterator[list[str]]:
    for number in range(PAIRS):
        yield [users[number], users[(number * 5 + 7) % len(users)]]
    for _ in range(GROUPS):
        yield dice.sample(users, GROUP_SIZE)


async def chatter(made: People, seed: int, *, messages: int, per_second: float) -> None:
    """Sends so many messages at that pace, from random members of random conversations, and reads now and then."""
    dice = random.Random(seed)
    async with asyncio.TaskGroup() as group:
        for number in range(messages):
            if number % MESSAGES_PER_CIRCLE == MESSAGES_PER_CIRCLE // 2:
                group.create_task(_begin(made, dice.sample(made.awake, dice.choice((2, 3)))))
            conversation_id = dice.choice(list(made.conversations))
            sender = made.member_of(conversation_id, dice)
            group.create_task(sender.send(conversation_id, f"m{number}", f"message {number}"))
            reader, chance = made.member_of(conversation_id, dice), dice.random()
            if chance < READ:
                group.create_task(reader.read_all(conversation_id))
            elif chance < READ + READ_PAST_THE_END:
                group.create_task(reader.read_past_the_end(conversation_id))
            elif chance < READ + READ_PAST_THE_END + READ_EARLIER:
                group.create_task(reader.read_earlier(conversation_id))
            _stir_a_corner(made, group, number, dice)
            await asyncio.sleep(1 / per_second)


def _stir_a_corner(made: People, group: asyncio.TaskGroup, number: int, dice: random.Random) -> None:
    """Somebody hides their conversation, speaks in it, or opens it from their contacts; mostly nobody does."""
    corner, chance = dice.choice(list(made.corners)), dice.random()
    device = made.devices[dice.choice(made.corners[corner])][0]
    if chance < HIDE:
        group.create_task(device.hide(corner))
    elif chance < HIDE + SPEAK:
        group.create_task(device.rest.send(corner, f"corner{number}", f"from the corner {number}"))
    elif chance < HIDE + SPEAK + REOPEN:
        group.create_task(device.rest.create(made.corners[corner], group=False))
