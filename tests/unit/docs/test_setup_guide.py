"""docs/setup-guide.md names every setting there is, and none that there is not."""

import re
from pathlib import Path

from shared.settings import VARIABLES

GUIDE = Path(__file__).parents[3] / "docs" / "setup-guide.md"


def documented() -> list[str]:
    table = GUIDE.read_text().split("<!-- settings")[1].split("\n\n")[0]
    return re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.MULTILINE)


def test_the_guide_documents_every_setting_once() -> None:
    assert sorted(documented()) == sorted(VARIABLES)
