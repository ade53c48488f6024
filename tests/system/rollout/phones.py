"""Many phones of many users that talk at a steady pace, whatever is done to the fleet meanwhile; and the verdict."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import aiohttp

from services.verify.checker import violations
from services.verify.client import Device
from services.verify.history import Event
from services.verify.rest import Target
from services.verify.settling import settle
from shared.ids import new_id
from tests.support.fleet import Fleet
from tests.support.waiting import eventually
from tests.system.rollout.traffic import Traffic

GROUP_SIZE = 5
SETTINGS = {
    "RATE_LIMIT_USER": "100000:100000",
    "RATE_LIMIT_ADDRESS": "100000:100000",
    "RATE_LIMIT_FRAMES": "10000:10000",
}
"""All phones come from one address here, and a few users send what thousands would."""
AT_ONCE = 50
SETTLE_SECONDS = 90.0


@dataclass
class Phones:
    """One device a user; half of the conversations' messages go to pairs, half to groups of five."""

    devices: list[Device]
    traffic: Traffic
    conversations: dict[str, list[str]] = field(default_factory=dict)
    sent: int = 0

    def device(self, user_id: str) -> Device:
        return self.by_user[user_id]

    @cached_property
    def by_user(self) -> dict[str, Device]:
        return {device.history.user_id: device for device in self.devices}

    async def talk(self, per_second: float, stop: asyncio.Event) -> None:
        """Sends at that pace until `stop`; returns when every send was acknowledged."""
        dice = random.Random(1)
        pairs = [one for one, members in self.conversations.items() if len(members) == 2]
        groups = [one for one, members in self.conversations.items() if len(members) > 2]
        loop = asyncio.get_running_loop()
        before, began = self.sent, loop.time()
        async with asyncio.TaskGroup() as sends:
            while not stop.is_set():
                conversation_id = dice.choice(pairs if dice.random() < 0.5 else groups)
                sender = self.device(dice.choice(self.conversations[conversation_id]))
                sends.create_task(sender.send(conversation_id, f"m{self.sent}", f"message {self.sent}"))
                if dice.random() < 0.1:
                    sends.create_task(dice.choice(self.devices).read_all(conversation_id))
                self.sent += 1
                await asyncio.sleep(began + (self.sent - before) / per_second - loop.time())

    async def verdict(self) -> list[str]:
        """Waits until everybody has everything; every promise that was broken."""
        rests = {device.history.user_id: device.rest for device in self.devices}
        known = await settle(self.devices, rests, self.conversations, seconds=SETTLE_SECONDS)
        return violations([device.history for device in self.devices], known)

    def longest_wait(self) -> float:
        """Seconds from an acknowledgement to the last member's having it, for the message that took longest."""
        acknowledged = {
            (sent.conversation_id, sent.seq): sent.at for device in self.devices for sent in device.history.acknowledged
        }
        arrivals = (
            (step.at, (step.conversation_id, step.seq)) for device in self.devices for step in _first_arrivals(device)
        )
        return max((at - acknowledged[key] for at, key in arrivals if key in acknowledged), default=0.0)


@contextlib.asynccontextmanager
async def phones(fleet: Fleet, target: Callable[[], Target], size: int, *, seed: int = 1) -> AsyncIterator[Phones]:
    """So many, connected and in conversations, until the context is left. `target` is asked for each request."""
    traffic, dice = Traffic(), random.Random(seed)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[traffic.trace()]) as session:
        made = Phones([_device(fleet, session, target, number) for number in range(size)], traffic)
        await _converse(made, dice)
        running = [asyncio.create_task(device.run(), name=device.history.name) for device in made.devices]
        try:
            await eventually(lambda: all(device.connected.is_set() for device in made.devices), 60)
            yield made
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


@contextlib.asynccontextmanager
async def talking(phones: Phones, per_second: float) -> AsyncIterator[None]:
    """Messages flow meanwhile; on leaving all of them are acknowledged."""
    stop = asyncio.Event()
    talk = asyncio.create_task(phones.talk(per_second, stop), name="talk")
    try:
        yield
        stop.set()
        await talk
    finally:
        talk.cancel()


def _device(fleet: Fleet, session: aiohttp.ClientSession, target: Callable[[], Target], number: int) -> Device:
    user_id = new_id()
    token = fleet.token(user_id, f"user{number}")
    return Device(session, target, user_id, lambda: token, name=f"user{number}", seed=number)


async def _converse(made: Phones, dice: random.Random) -> None:
    rests = {device.history.user_id: device.rest for device in made.devices}
    gate = asyncio.Semaphore(AT_ONCE)

    async def create(members: list[str]) -> None:
        async with gate:
            group = len(members) > 2
            made.conversations[await rests[members[0]].create(members, group=group, name="circle")] = members

    async with asyncio.TaskGroup() as creating:
        for members in _circles(list(rests), dice):
            creating.create_task(create(members))


def _circles(users: Sequence[str], dice: random.Random) -> Iterator[list[str]]:
    """Everybody is in one pair and in one group."""
    for size in (2, GROUP_SIZE):
        order = dice.sample(users, len(users))
        yield from (order[start : start + size] for start in range(0, len(order) - size + 1, size))


def _first_arrivals(device: Device) -> Iterator[Event]:
    """Each event once: as it came first, live or by sync."""
    seen: set[tuple[str, int]] = set()
    for step in device.history.steps:
        if isinstance(step, Event) and (step.conversation_id, step.seq) not in seen:
            seen.add((step.conversation_id, step.seq))
            yield step
