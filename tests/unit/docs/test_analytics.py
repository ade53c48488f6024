"""docs/analytics.md says of every number what it is, and names the query that makes it."""

import re
from pathlib import Path

from persistence.stats import activity, definitions

DOCS = Path(__file__).parents[3] / "docs/analytics.md"
CODE = "".join(Path(module.__file__ or "").read_text() for module in (activity, definitions))


def test_every_number_has_its_sentence_and_its_query() -> None:
    told = re.findall(r"^\| `([a-z0-9_]+)` \| (.+) \| `([a-z_]+)` \|$", DOCS.read_text(), re.MULTILINE)

    assert [name for name, _, _ in told] == list(definitions.METRICS)
    assert all(f'"{query}"' in CODE for _, _, query in told)
