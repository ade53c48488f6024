"""The dashboard of the product's numbers, and the role that reads them for it."""

import re
from itertools import combinations
from typing import Any

import asyncpg
import pytest

from persistence.stats.definitions import METRICS
from tests.integration.deploy.dashboards import PRODUCT, load, panels
from tests.integration.deploy.files import DEPLOY
from tests.integration.deploy.test_grafana import WIDTH, overlap

Json = dict[str, Any]


@pytest.fixture
async def reader(database_url: str) -> Any:
    """A connection of the role that deploy/postgres/reader.sql makes."""
    owner = await asyncpg.connect(database_url)
    await owner.execute("DROP ROLE IF EXISTS parley_reader")
    await owner.execute((DEPLOY / "postgres/reader.sql").read_text().replace(":password", "'reads'"))
    await owner.execute("INSERT INTO stats_daily VALUES ('dau', '2026-03-29', 7)")
    connection = await asyncpg.connect(re.sub("//[^@]*@", "//parley_reader:reads@", database_url))
    yield connection
    await connection.close()
    await owner.execute("DROP OWNED BY parley_reader")
    await owner.execute("DROP ROLE parley_reader")
    await owner.close()


def sql_of(panel: Json) -> str:
    """With Grafana's macro filled in."""
    [target] = panel["targets"]
    return re.sub(r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN '2026-01-01' AND '2026-12-31'", target["rawSql"])


def shown() -> list[Json]:
    return [panel for panel in panels(load(PRODUCT)) if panel["type"] != "row"]


async def test_every_panel_asks_what_the_role_may_read_and_has_its_place(reader: asyncpg.Connection) -> None:
    for panel in shown():
        rows = await reader.fetch(sql_of(panel))
        assert [row["value"] for row in rows] == ([7] if "'dau'" in sql_of(panel) else [])
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= WIDTH
    for one, other in combinations(panels(load(PRODUCT)), 2):
        assert one["id"] != other["id"]
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


def test_every_number_is_shown_and_no_other_is_asked_for() -> None:
    asked = {name for panel in shown() for name in re.findall(r"'([a-z0-9_]+)'", panel["targets"][0]["rawSql"])}
    assert asked == set(METRICS)


async def test_the_role_reads_no_message_and_writes_nothing(reader: asyncpg.Connection) -> None:
    for statement in ("SELECT text FROM messages", "SELECT user_id FROM activity", "DELETE FROM stats_daily"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await reader.execute(statement)
