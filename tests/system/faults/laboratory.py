"""One run of the laboratory: a world, its people, a seeded schedule of faults, and the checker's verdict."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.verify import truth
from services.verify.checker import violations
from services.verify.checks.people import presence_is_told, the_silent_are_reached
from services.verify.history import Truth
from services.verify.settling import WHOLE_SECONDS, settle
from tests.support.fleet import ROOT
from tests.support.waiting import PATIENCE, eventually
from tests.system.faults.injection import inject
from tests.system.faults.last_look import last_look
from tests.system.faults.load import USERS, People, chatter, people
from tests.system.faults.schedule import Fault, schedule
from tests.system.faults.world import SETTINGS, World, world

OFFLINE = 4
"""How many users leave before presence is judged."""
MOST_SHOWN = 20


@dataclass(frozen=True)
class Patience:
    """How long everybody may take to be exactly up to date after the last fault, and connections to be whole then."""

    settle_seconds: float = 45.0
    whole_seconds: float = WHOLE_SECONDS


PATIENT = Patience()


@dataclass
class Verdict:
    """`violations` is empty where every guarantee held. Else every process' log is in `directory`."""

    seed: int
    faults: list[Fault]
    violations: list[str]
    messages: int
    seconds: float
    reached: list[Fault]
    directory: Path

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.messages} messages, {len(self.faults)} faults, {self.seconds:.0f} s"]
        lines += [f"  {fault}{self._note(fault)}" for fault in self.faults]
        lines += [f"  VIOLATION {one}" for one in self.violations[:MOST_SHOWN]] or ["  no violation"]
        if len(self.violations) > MOST_SHOWN:
            lines.append(f"  … {len(self.violations)} violations in all")
        if self.violations:
            lines.append(f"  the logs are in {self.directory}")
        return "\n".join(lines)

    def _note(self, fault: Fault) -> str:
        return "" if fault.kind != "kill at" or fault in self.reached else " (nothing came its way)"


async def run(
    seed: int,
    *,
    messages: int = 2000,
    faults: int = 16,
    seconds: float = 32.0,
    source: Path = ROOT,
    patience: Patience = PATIENT,
) -> Verdict:
    """From nothing to the verdict, in a directory that stays, with every log, only where a guarantee broke.

    Raises what kept it from a verdict, such as ProcessFailed where a process did not come back, with the directory's
    name as a note.
    """
    began = time.monotonic()
    planned = schedule(seed, faults=faults, seconds=seconds)
    directory = Path(tempfile.mkdtemp(prefix=f"parley-faults-{seed}-"))
    directory.chmod(0o755)  # the database server runs as another user
    try:
        async with world(directory, source) as made, people(made, seed) as crowd:
            await _disturb(made, crowd, planned, seed, messages, seconds)
            await last_look(made, crowd, seed)
            found = await _judge(made, crowd, patience) + await _stuck(made, patience)
    except Exception as error:
        error.add_note(f"seed {seed}: no verdict; the logs are in {directory}")
        raise
    if not found:
        shutil.rmtree(directory)
    return Verdict(seed, planned, found, messages, time.monotonic() - began, made.reached, directory)


async def _disturb(made: World, crowd: People, planned: list[Fault], seed: int, messages: int, seconds: float) -> None:
    """Messages flow and faults happen, each at its time or as soon as the one before is healed."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(chatter(crowd, seed, messages=messages, per_second=messages / seconds))
        for fault in planned:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            await inject(made, fault)


async def _judge(made: World, crowd: People, patience: Patience) -> list[str]:
    rests = crowd.rests
    conversations = {**crowd.conversations, **crowd.quiet}
    known = await settle(
        list(crowd.running),
        rests,
        conversations,
        seconds=patience.settle_seconds,
        whole_seconds=patience.whole_seconds,
        hideable=crowd.corners,
    )
    await _judge_pushes(made, crowd, known, patience)
    await _judge_presence(crowd, known)
    return violations([device.history for device in crowd.all], known)


async def _stuck(made: World, patience: Patience) -> list[str]:
    """Every change was published in the end: what lies in an outbox for good would show to nobody for a while."""
    connection = await asyncpg.connect(made.postgres.url)
    try:

        async def nothing_waits() -> bool:
            return not await connection.fetchval(
                "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM user_outbox)"
            )

        await eventually(nothing_waits, patience.settle_seconds / PATIENCE)
    except AssertionError:
        return ["outbox: rows are stuck in it"]
    finally:
        await connection.close()
    return []


async def _judge_pushes(made: World, crowd: People, known: Truth, patience: Patience) -> None:
    """What Expo took for the phones of those who are asleep."""
    known.asleep = set(crowd.asleep)

    def all_pushed() -> bool:
        for user_id, token in crowd.asleep.items():
            known.pushed[user_id] = [(one["data"]["messageId"], one["collapseId"]) for one in made.expo.of(token)]
        return not any(the_silent_are_reached((), known))

    with contextlib.suppress(AssertionError):  # what was pushed until then stands in `known`, for the checker
        await eventually(all_pushed, patience.settle_seconds / PATIENCE)


async def _judge_presence(crowd: People, known: Truth) -> None:
    """Some leave, the others stay; two heartbeats and the grace later that is what everybody is told."""
    users = [user_id for user_id, devices in crowd.devices.items() if devices[0] in crowd.running][:USERS]
    asker, leaving = users[-1], users[:OFFLINE]
    for user_id in leaving:
        crowd.disconnect(user_id)
    peers = {one for members in crowd.conversations.values() if asker in members for one in members}
    known.expected_online = {one: one not in leaving and one not in crowd.asleep for one in peers}
    rest = crowd.devices[asker][0].rest

    async def told_the_truth() -> bool:
        known.online = await truth.presence(rest, sorted(peers))
        told = not any(presence_is_told([device.history for device in crowd.running], known))
        return told and known.online == known.expected_online

    grace = 2 * float(SETTINGS["HEARTBEAT_SECONDS"]) + float(SETTINGS["PRESENCE_GRACE_SECONDS"])
    try:
        await eventually(told_the_truth, (grace + 5.0) / PATIENCE)
    except AssertionError:
        return  # what was told last stands in `known`, for the checker
