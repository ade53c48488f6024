"""Two pushers share the work and Expo's limit, also when one is held up, or dies."""

import asyncio
import itertools
import signal
from pathlib import Path
from random import Random

from tests.support.fake_expo import Faults
from tests.support.waiting import PATIENCE, eventually
from tests.system.push.backlog import start_over
from tests.system.push.soak import Run, in_background, running
from tests.system.push.verdict import judge

TAKEOVER_SECONDS = 30.0


async def hold_up_pushers(run: Run) -> None:
    """Forever: one after the other, for up to more than a second, in the midst of whatever it is doing."""
    random = Random(1)
    for pusher in itertools.cycle(run.pushers):
        await asyncio.sleep(random.uniform(0.1, 0.4))
        pusher.signal(signal.SIGSTOP)
        await asyncio.sleep(random.uniform(0.1, 1.3))
        pusher.signal(signal.SIGCONT)


async def test_pushers_that_are_held_up_never_go_over_the_limit_together(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    async with running(tmp_path, database_url, redis_url, faults=Faults()) as run:
        newest = await start_over(run, entries=2000)
        async with in_background(hold_up_pushers(run)):
            await run.drained()
        verdict = judge(run.expo.accepted, newest, over_limit=run.expo.calls["over_rate"])

    assert verdict.holds, verdict
    assert verdict.told == 2000
    assert verdict.repeats == 0
    assert {one.caller for one in run.expo.accepted} == {"pusher-1", "pusher-2"}, "both did their part"


async def test_what_a_dead_pusher_was_at_is_told_by_the_other(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    async with running(tmp_path, database_url, redis_url, faults=Faults(delay_seconds=1.0)) as run:
        dies, _ = run.pushers
        newest = await start_over(run, entries=1000)
        await eventually(lambda: any(one.caller == dies.name for one in run.expo.accepted))
        await run.kill(dies)
        [death] = run.kills
        await run.drained()
        verdict = judge(run.expo.accepted, newest, run.kills, run.expo.calls["over_rate"])
        last = max(one.at for one in run.expo.accepted)

    assert death.open_claims
    assert verdict.holds, verdict
    assert verdict.told == 1000
    assert last - death.at < TAKEOVER_SECONDS * PATIENCE
