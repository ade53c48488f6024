"""The list of sabotages stays true to the source; `make faults-broken` shows that the checker catches each."""

from pathlib import Path

import pytest

from tests.system.faults.sabotage import SABOTAGES, Sabotage, broken


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=[one.name for one in SABOTAGES])
def test_each_sabotage_still_applies_to_the_source(sabotage: Sabotage, tmp_path: Path) -> None:
    source = broken(sabotage, tmp_path)

    compile((source / sabotage.file).read_text(), sabotage.file, "exec")
