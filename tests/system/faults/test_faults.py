"""Three short seeds of the laboratory; `make faults N=100` runs as many as wanted."""

import pytest

from tests.system.faults.laboratory import run
from tests.system.faults.schedule import KINDS, schedule


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_guarantee_breaks_whatever_single_part_dies(seed: int) -> None:
    verdict = await run(seed, messages=600, faults=6, seconds=12)

    assert verdict.violations == [], str(verdict)


def test_a_seed_replays_the_same_schedule() -> None:
    assert schedule(7) == schedule(7)
    assert schedule(7) != schedule(8)


def test_a_full_schedule_has_every_kind_of_fault() -> None:
    assert {fault.kind for fault in schedule(1, faults=len(KINDS))} == set(KINDS)


def test_a_hundred_seeds_do_everything_to_everyone() -> None:
    done = {(fault.kind, fault.target) for seed in range(1, 101) for fault in schedule(seed)}

    assert done == {(kind, target) for kind, (targets, _) in KINDS.items() for target in targets}
