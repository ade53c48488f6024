"""One run of the laboratory: a world, its people, a seeded schedule of faults, and the checker's verdict."""

import asyncio
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.verify import truth
from services.verify.checker import violations
from services.verify.history import Truth
from tests.support.waiting import PATIENCE, eventually
from tests.system.faults.injection import inject
from tests.system.faults.load import People, chatter, people
from tests.system.faults.schedule import Fault, schedule
from tests.system.faults.world import SETTINGS, World, world

SETTLE_SECONDS = 45.0
"""How long everybody may take to be exactly up to date after the last fault is healed."""
OFFLINE = 4
"""How many users leave before presence is judged."""


@dataclass
class Verdict:
    """`violations` is empty where every guarantee held."""

    seed: int
    faults: list[Fault]
    violations: list[str]
    messages: int
    seconds: float

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.messages} messages, {len(self.faults)} faults, {self.seconds:.0f} s"]
        lines += [f"  {fault}" for fault in self.faults]
        lines += [f"  VIOLATION {one}" for one in self.violations] or ["  no violation"]
        return "\n".join(lines)


async def run(seed: int, *, messages: int = 2000, faults: int = 12, seconds: float = 24.0) -> Verdict:
    """From nothing to the verdict, in a directory that stays, with every log, only where a guarantee broke."""
    began = time.monotonic()
    planned = schedule(seed, faults=faults, seconds=seconds)
    directory = Path(tempfile.mkdtemp(prefix=f"parley-faults-{seed}-"))
    directory.chmod(0o755)  # the database server runs as another user
    async with world(directory) as made, people(made, seed) as crowd:
        await _disturb(made, crowd, planned, seed, messages, seconds)
        found = await _judge(crowd) + await _stuck(made)
    if not found:
        shutil.rmtree(directory)
    return Verdict(seed, planned, found, messages, time.monotonic() - began)


async def _disturb(made: World, crowd: People, planned: list[Fault], seed: int, messages: int, seconds: float) -> None:
    """Messages flow and faults happen, each at its time or as soon as the one before is healed."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(chatter(crowd, seed, messages=messages, per_second=messages / seconds))
        for fault in planned:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            await inject(made, fault)


async def _judge(crowd: People) -> list[str]:
    rests = {user_id: devices[0].rest for user_id, devices in crowd.devices.items()}
    known = await truth.gather(rests, crowd.conversations)
    late = await _settled(crowd, known)
    known = await truth.gather(rests, crowd.conversations)
    await _judge_presence(crowd, known)
    return late + violations([device.history for device in crowd.all], known)


async def _stuck(made: World) -> list[str]:
    """Every change was published in the end: what lies in an outbox for good would show to nobody for a while."""
    connection = await asyncpg.connect(made.postgres.url)
    try:

        async def nothing_waits() -> bool:
            return not await connection.fetchval(
                "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM user_outbox)"
            )

        await eventually(nothing_waits, SETTLE_SECONDS / PATIENCE)
    except AssertionError:
        return ["outbox: rows are stuck in it"]
    finally:
        await connection.close()
    return []


async def _settled(crowd: People, known: Truth) -> list[str]:
    """Waits until every device holds everything; whoever does not in time is reported by the checker too."""

    def everybody_has_all() -> bool:
        return all(
            device.cursor(conversation_id) >= len(rows)
            for device in crowd.all
            for conversation_id, rows in known.messages.items()
            if device.history.user_id in known.members[conversation_id]
        )

    try:
        await eventually(everybody_has_all, SETTLE_SECONDS / PATIENCE)
    except AssertionError:
        return [f"not settled {SETTLE_SECONDS:.0f} s after the last fault"]
    return []


async def _judge_presence(crowd: People, known: Truth) -> None:
    """Some leave, the others stay; two heartbeats and the grace later that is what everybody is told."""
    users = list(crowd.devices)
    asker, leaving = users[-1], users[:OFFLINE]
    for user_id in leaving:
        crowd.disconnect(user_id)
    peers = {one for members in crowd.conversations.values() if asker in members for one in members}
    known.expected_online = {one: one not in leaving for one in peers}
    rest = crowd.devices[asker][0].rest

    async def told_the_truth() -> bool:
        known.online = await truth.presence(rest, sorted(peers))
        return known.online == known.expected_online

    grace = 2 * float(SETTINGS["HEARTBEAT_SECONDS"]) + float(SETTINGS["PRESENCE_GRACE_SECONDS"])
    try:
        await eventually(told_the_truth, (grace + 5.0) / PATIENCE)
    except AssertionError:
        return  # what was told last stands in `known`, for the checker
