"""Devices that stay, and what becomes of each send to them."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import aiohttp

from services.verify.checker import violations
from services.verify.client import Device
from services.verify.history import Acknowledged
from services.verify.rest import Json, Target
from services.verify.settling import settle
from shared.ids import new_id
from tests.support.waiting import eventually
from tests.system.resilience.deployment import Deployment

CIRCLE = 5
"""People in a conversation; each is in one."""
AT_ONCE = 25
SETTLE_SECONDS = 60.0
SEND_SECONDS = 30.0
"""Far more than any send may take."""


@dataclass(frozen=True)
class Draft:
    conversation_id: str
    sender: Device
    client_id: str


@dataclass
class Answers:
    """How sends were answered: by status, the slowest, the refusals without a word of when to come again."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    speechless: int = 0
    refused: list[Draft] = field(default_factory=list)

    def __str__(self) -> str:
        counted = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        return f"{counted}; the slowest in {self.slowest_seconds:.2f} s"


class Crowd:
    """`gateways` are the numbers of those that are open to connects; each device takes any of them."""

    def __init__(self, made: Deployment, session: aiohttp.ClientSession, seed: int) -> None:
        self._made = made
        self._session = session
        self._dice = random.Random(seed)
        self._sent = 0
        self._tokens: dict[Device, str] = {}
        self.gateways = list(range(len(made.gateways)))
        self.devices: list[Device] = []
        self.conversations: dict[str, list[Device]] = {}
        self.heads: dict[str, int] = {}

    def target(self) -> Target:
        store, gateway = self._dice.choice(self._made.stores), self._made.gateways[self._dice.choice(self.gateways)]
        return Target(store.url, gateway.url.replace("http", "ws", 1))

    def add(self, number: int) -> None:
        user_id = new_id()
        token = self._made.fleet.token(user_id, f"user{number}")
        device = Device(self._session, self.target, user_id, lambda: token, name=f"user{number}", seed=number)
        self.devices.append(device)
        self._tokens[device] = token

    async def converse(self) -> None:
        """Everybody, in circles."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def make(circle: list[Device]) -> None:
            async with turns:
                members = [one.history.user_id for one in circle]
                conversation_id = await circle[0].rest.create(members, group=True, name="circle")
            self.conversations[conversation_id] = circle
            self.heads[conversation_id] = 0

        await asyncio.gather(*(make(circle) for circle in _circles(self.devices)))

    def draft(self) -> Draft:
        self._sent += 1
        conversation_id = self._dice.choice(list(self.conversations))
        return Draft(conversation_id, self._dice.choice(self.conversations[conversation_id]), f"m{self._sent}")

    async def send(self, draft: Draft, answers: Answers) -> None:
        """Once; what was not acknowledged is in `refused`, to be sent again."""
        began = time.monotonic()
        status, retry_after, body = await self._post(draft)
        answers.slowest_seconds = max(answers.slowest_seconds, time.monotonic() - began)
        answers.statuses[status] += 1
        if status in (200, 201):
            self._acknowledged(draft, body["message"])
        else:
            answers.refused.append(draft)
            answers.speechless += retry_after is None

    async def talk(self, per_second: float, done: asyncio.Event) -> Answers:
        """Sends at that pace, whatever becomes of them, until `done`."""
        answers = Answers()
        async with asyncio.TaskGroup() as group:
            while not done.is_set():
                group.create_task(self.send(self.draft(), answers))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), 1 / per_second)
        return answers

    async def insist(self, refused: list[Draft]) -> Answers:
        """Sends what was refused again, until all of it is acknowledged."""
        answers = Answers(refused=refused)
        while answers.refused:
            drafts, answers.refused = answers.refused, []
            for draft in drafts:
                await self.send(draft, answers)
        return answers

    def is_up_to_date(self, device: Device, conversation_id: str) -> bool:
        """It is connected, and holds all that was acknowledged to anybody."""
        return device.connected.is_set() and device.cursor(conversation_id) >= self.heads[conversation_id]

    async def settle(self) -> None:
        """Returns when everybody is exactly up to date."""
        places = list(self.places())
        await eventually(lambda: all(self.is_up_to_date(*place) for place in places), 20.0)

    async def times_to_consistency(self, began: float) -> list[float]:
        """Seconds from `began` until each device was up to date again, in order."""
        missing, took = list(self.places()), []

        def everybody_is_back() -> bool:
            late = [place for place in missing if not self.is_up_to_date(*place)]
            took.extend([time.monotonic() - began] * (len(missing) - len(late)))
            missing[:] = late
            return not missing

        await eventually(everybody_is_back, 30.0)
        return took

    async def judge(self) -> list[str]:
        """Every violation of a guarantee that the devices saw."""
        askers = {circle[0].history.user_id: circle[0].rest for circle in self.conversations.values()}
        members = {key: [one.history.user_id for one in circle] for key, circle in self.conversations.items()}
        known = await settle(self.devices, askers, members, seconds=SETTLE_SECONDS)
        return violations([one.history for one in self.devices], known)

    def places(self) -> Iterator[tuple[Device, str]]:
        """Each device with each of its conversations."""
        for conversation_id, circle in self.conversations.items():
            yield from ((device, conversation_id) for device in circle)

    def _acknowledged(self, draft: Draft, message: Json) -> None:
        seq, message_id = int(message["seq"]), str(message["id"])
        self.heads[draft.conversation_id] = max(self.heads[draft.conversation_id], seq)
        said = Acknowledged(draft.conversation_id, draft.client_id, message_id, seq, message["text"])
        draft.sender.history.acknowledged.append(said)

    async def _post(self, draft: Draft) -> tuple[int, str | None, Json]:
        async with self._session.post(
            f"{self.target().rest_url}/api/conversations/{draft.conversation_id}/messages",
            json={"text": f"message {draft.client_id}", "clientId": draft.client_id},
            headers={"Authorization": f"Bearer {self._tokens[draft.sender]}"},
            timeout=aiohttp.ClientTimeout(total=SEND_SECONDS),
        ) as answer:
            return answer.status, answer.headers.get("Retry-After"), await answer.json()


@contextlib.asynccontextmanager
async def crowd(
    made: Deployment, size: int, *, gateways: list[int] | None = None, seed: int = 1
) -> AsyncIterator[Crowd]:
    """So many devices, each of another user, all connected and in conversations."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        gathered = Crowd(made, session, seed)
        gathered.gateways = gathered.gateways if gateways is None else gateways
        for number in range(size):
            gathered.add(number)
        await gathered.converse()
        running = [group.create_task(device.run(), name=device.history.name) for device in gathered.devices]
        try:
            await asyncio.gather(*(device.connected.wait() for device in gathered.devices))
            yield gathered
        finally:
            for task in running:
                task.cancel()


def _circles(devices: list[Device]) -> list[list[Device]]:
    return [devices[start : start + CIRCLE] for start in range(0, len(devices), CIRCLE)]
