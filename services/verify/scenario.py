"""Runs simulated clients against a deployment that somebody already has, and judges what they saw."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import msgspec

from services.verify.checker import violations
from services.verify.client import Device
from services.verify.files import Trial
from services.verify.membership import come_and_go
from services.verify.rest import FAILURES, Refused, Target
from services.verify.settling import settle

SETTLE_SECONDS = 30.0
GROUP_NAME = "parley verify"


class CannotVerify(Exception):
    """The deployment could not be used as it was asked for; nothing was judged."""


@dataclass(frozen=True)
class User:
    """Somebody in whose name clients may act."""

    user_id: str
    token: str


@dataclass
class Report:
    """`violations` is empty where the deployment kept every promise."""

    messages: int
    devices: int
    reconnects: int
    conversations: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


async def verify(target: Target, users: Sequence[User], *, messages: int, seconds: float, seed: int) -> Report:
    """Sends so many messages over so many seconds while sockets are cut now and then. Raises CannotVerify.

    Its conversations are new ones, made for this run; `Report.conversations` names them, for whoever purges.
    """
    if len(users) < 2:
        raise CannotVerify("at least two users are needed")
    dice = random.Random(seed)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        devices = [
            Device(session, lambda: target, user.user_id, lambda token=user.token: token, name=f"user {n}", seed=n)  # type: ignore[misc]
            for n, user in enumerate(users)
        ]
        await _reach(devices[0])
        conversations = await _converse(devices, dice)
        async with _running(devices):
            absences, _ = await asyncio.gather(
                come_and_go(devices, GROUP_NAME),
                _talk(devices, conversations, dice, messages=messages, seconds=seconds),
            )
            rests = {device.history.user_id: device.rest for device in devices}
            trial = Trial(session, devices[0].rest, users[0].token, seed)
            await _try_a_file(trial, next(iter(conversations)))
            known = await settle(devices, rests, conversations, seconds=SETTLE_SECONDS)
    known.absences += absences
    made = [*conversations, *{absence.conversation_id for absence in absences}]
    report = Report(messages, len(devices), sum(device.connections - 1 for device in devices), made)
    report.violations = violations([device.history for device in devices], known) + trial.violations
    return report


async def _try_a_file(trial: Trial, conversation_id: str) -> None:
    """What storage lacks for a moment is no broken promise: what came through wrong is."""
    try:
        await trial.run(conversation_id)
    except (*FAILURES, Refused) as error:
        trial.violations.append(f"a file did not come through: {type(error).__name__} {error}")


async def _reach(device: Device) -> None:
    """One question, before anything is tried again and again: is this a deployment, and does it let us in?"""
    try:
        await device.rest.call("GET", "/api/conversations?limit=1")
    except msgspec.DecodeError:
        raise CannotVerify("what answers there is not Parley") from None
    except (*FAILURES, Refused) as error:
        raise CannotVerify(str(error) or "no answer") from None


async def _converse(devices: Sequence[Device], dice: random.Random) -> dict[str, list[str]]:
    """One group of all (at most 50), and groups of two: a pair may have a conversation of its own already."""
    users = [device.history.user_id for device in devices]
    circles = [users[:50], *([one, dice.choice([other for other in users if other != one])] for one in users)]
    rests = {device.history.user_id: device.rest for device in devices}
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            return {
                await rests[members[0]].create(members, group=True, name=GROUP_NAME): members for members in circles
            }
    except TimeoutError:
        raise CannotVerify(f"the deployment did not answer within {SETTLE_SECONDS:.0f} s") from None
    except Refused as refused:
        raise CannotVerify(str(refused)) from None


@contextlib.asynccontextmanager
async def _running(devices: Sequence[Device]) -> AsyncIterator[None]:
    """All connected. Raises CannotVerify where one of them is refused, or none gets in."""
    tasks = [asyncio.create_task(device.run(), name=device.history.name) for device in devices]
    waiting = asyncio.create_task(_all_connected(devices), name="all connected")
    try:
        await asyncio.wait([waiting, *tasks], timeout=SETTLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        refused = next((str(task.exception()) for task in tasks if task.done()), None)
        if not waiting.done():
            raise CannotVerify(refused or "no socket could be opened: see the gateway's log, or give --socket-url")
        yield
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)


async def _all_connected(devices: Sequence[Device]) -> None:
    for device in devices:
        await device.connected.wait()


async def _talk(
    devices: Sequence[Device],
    conversations: dict[str, list[str]],
    dice: random.Random,
    *,
    messages: int,
    seconds: float,
) -> None:
    by_user = {device.history.user_id: device for device in devices}
    async with asyncio.TaskGroup() as group:
        for number in range(messages):
            conversation_id = dice.choice(list(conversations))
            sender = by_user[dice.choice(conversations[conversation_id])]
            group.create_task(_say(sender, by_user, conversations[conversation_id], conversation_id, number))
            if dice.random() < 0.1:
                group.create_task(dice.choice(devices).read_all(conversation_id))
            if dice.random() < 0.02:
                dice.choice(devices).cut()
            if dice.random() < 0.02:
                reader = by_user[dice.choice(conversations[conversation_id])]
                group.create_task(reader.read_past_the_end(conversation_id))
            await asyncio.sleep(seconds / messages)


async def _say(
    sender: Device, by_user: dict[str, Device], members: Sequence[str], conversation_id: str, number: int
) -> None:
    """Sends, and does to some of what was sent all that can be done to a message."""
    if number % 13 == 6:
        await sender.send_later(conversation_id, f"verify-{number}", f"verify {number}")
        return
    if number % 11 == 5:
        await sender.send(conversation_id, f"verify-{number}", f"verify {number}", expiresIn=1)
        return
    sent = await sender.send(conversation_id, f"verify-{number}", f"verify {number}")
    path = f"/api/conversations/{conversation_id}/messages/{sent.message_id}"
    if number % 5 == 0:
        await sender.rest.persist("PATCH", path, {"text": f"verify {number}, edited"})
    if number % 3 == 0:
        for user in members[:3]:
            await by_user[user].rest.persist("PUT", f"{path}/reactions/%F0%9F%91%8D")
        await by_user[members[0]].rest.persist("DELETE", f"{path}/reactions/%F0%9F%91%8D")
    if number % 7 == 0:
        await sender.rest.persist("DELETE", path)
