"""The list of sabotages stays true to the source; `make faults-broken` shows that the checker catches each."""

import shutil
from pathlib import Path

import pytest

from tests.system.faults.laboratory import Patience, run
from tests.system.faults.sabotage import broken
from tests.system.faults.sabotages import SABOTAGES, Sabotage


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=[one.name for one in SABOTAGES])
def test_each_sabotage_still_applies_to_the_source(sabotage: Sabotage, tmp_path: Path) -> None:
    source = broken(sabotage, tmp_path)

    compile((source / sabotage.file).read_text(), sabotage.file, "exec")


async def test_the_laboratory_notices_heads_that_are_read_too_early(tmp_path: Path) -> None:
    """The hardest of them to see, because so much else heals it: a last look alone shows it."""
    [early] = [one for one in SABOTAGES if one.name == "read the heads before the rooms are confirmed"]

    found: set[str] = set()
    for seed in range(1, 6):  # on a busy machine nobody may speak at the right moment
        source, patience = broken(early, tmp_path / str(seed)), Patience(5, 5)
        verdict = await run(seed, messages=50, faults=1, seconds=1, source=source, patience=patience)
        found = {violation.split(":")[0] for violation in verdict.violations}
        if found:
            shutil.rmtree(verdict.directory)
            break

    assert "an_open_connection_is_whole" in found
