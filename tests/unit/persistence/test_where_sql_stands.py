"""SQL stands in the modules that are named here, and nowhere else: a route reads requests, a rule decides.

A new module with SQL is named `store.py` or `rows.py`, or gets its line below.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SQL = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE\s+\w+\s+(\w+\s+)?SET)\b")

EVERYWHERE = {"store", "rows"}
"""What a feature holds, and fragments that several of its statements share."""

MODULES = {
    "persistence/attachments": "access announcing collecting references uploads",
    "persistence/conversations": "beginnings clock creating",
    "persistence/database": "meta migrate probe retention visibility",
    "persistence/groups": "appointments changes hold joins leaves",
    "persistence/log": "append heads outbox read",
    "persistence/members": "roles user_outbox",
    "persistence/messages": "carrying deletions editing_files edits erasing expiry forwarding_files held history"
    " mentions pins posting receipts send send_statement sending_files",
    "persistence/moderation": "acts evidence items notices reports upkeep",
    "persistence/push": "arrivals badges devices ledger ledger_receipts mutes preferences targets undelivered"
    " withdrawals",
    "persistence/receipts": "cursors",
    "persistence/scheduled": "due",
    "persistence/screening": "held",
    "persistence/search": "filling scan",
    "persistence/server": "people rooms",
    "persistence/stats": "activity definitions filling",
    "persistence/sync": "compact groups",
    "persistence/users": "pairs people revocations",
    "persistence/webhooks": "beginnings claims deliveries noting outcomes",
    "services/checks": "postgres",
}


def modules() -> list[str]:
    folders = ("persistence", "services", "gateway", "pusher", "media", "webhooks", "shared")
    return [str(path.relative_to(ROOT)) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def texts(source: str) -> Iterator[str]:
    """Every text of a module but its docstrings."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def may_hold_sql(module: str) -> bool:
    path = Path(module)
    listed = MODULES.get(str(path.parent), "").split()
    return path.stem in listed or (path.parts[0] == "persistence" and path.stem in EVERYWHERE)


@pytest.mark.parametrize("module", [one for one in modules() if not may_hold_sql(one)])
def test_a_module_that_is_not_listed_holds_no_sql(module: str) -> None:
    found = [text for text in texts((ROOT / module).read_text()) if SQL.search(text)]

    assert found == [], f"{module} holds SQL: move the statement to store.py, or list the module in {__file__}"


def test_sql_is_recognized_where_it_stands() -> None:
    listed = [one for one in modules() if one.endswith("/store.py")]
    holding = [one for one in listed if any(SQL.search(text) for text in texts((ROOT / one).read_text()))]

    assert len(holding) > 5
    assert holding == listed
