"""The page that says where things are names only what is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PATH = re.compile(r"`((?:gateway|persistence|pusher|shared|services|media|webhooks)/[\w/.]*)`")


def test_every_folder_of_persistence_and_of_a_gateway_has_its_line() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    folders = [path.parent for job in ("persistence", "gateway") for path in sorted((ROOT / job).glob("*/__init__.py"))]

    assert len(folders) > 20
    assert [str(one.relative_to(ROOT)) for one in folders if f"`{one.relative_to(ROOT)}/`" not in text] == []


def test_every_path_that_the_architecture_names_exists() -> None:
    named = PATH.findall((ROOT / "docs" / "architecture.md").read_text())

    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
