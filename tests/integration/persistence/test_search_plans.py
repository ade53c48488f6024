"""What a search reads of 200,000 messages: as many rows as it must, by the keys of the caller's conversations."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from persistence.database.pool import Connection, Pool, snapshot
from persistence.search import scan
from persistence.search.merge import Found, Merge, Part
from persistence.search.store import Asked, search
from persistence.search.views import Results
from persistence.search.wanted import read
from tests.integration.persistence.talk import people

ROOMS, HEAVY_ROOMS, ORDINARY_ROOMS = 4000, 400, 25

_ROOMS = """
INSERT INTO conversations (id, created_at, updated_at, latest_at, members, is_group, created_by, last_seq, last_ordinal)
SELECT gen_random_uuid(), '2026-01-01', '2026-02-01', '2026-02-01', 2, true, $1, size, size
FROM (SELECT CASE WHEN n <= 10 THEN 5000 WHEN n <= 400 THEN 150 ELSE 25 END AS size
      FROM generate_series(1, $2::int) AS n) AS sizes
"""
_MEMBERS = """
INSERT INTO participants (conversation_id, user_id, joined_at)
SELECT id, $1, now() FROM conversations ORDER BY last_seq {order}, id LIMIT $2
"""
_MESSAGES = """
INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)
SELECT c.id, n, n, at, at, gen_random_uuid(), $1, 'ordinary words' || CASE WHEN n % 50 = 0 THEN ' rarity' ELSE '' END
FROM conversations c CROSS JOIN LATERAL generate_series(1, c.last_seq) AS n
CROSS JOIN LATERAL (SELECT timestamptz '2026-02-01' - (c.last_seq - n) * interval '5 min' AS at) AS t
"""


# Loaded without indexes, and those that a search might use made afterwards: in a tenth of the time.
_BARE = """
ALTER TABLE messages DROP CONSTRAINT messages_pkey, DROP CONSTRAINT messages_sent_once;
ALTER TABLE messages DROP CONSTRAINT messages_id_conversation_id_key;
ALTER TABLE search DROP CONSTRAINT search_pkey;
"""
_DRESSED = """
ALTER TABLE messages ADD PRIMARY KEY (conversation_id, seq);
ALTER TABLE search ADD PRIMARY KEY (conversation_id, created_at, seq);
ANALYZE;
"""


@pytest.fixture
async def town(pool: Pool) -> tuple[str, str]:
    """A heavy user and an ordinary one among 200,000 messages."""
    heavy, ordinary = await people(pool, 2)
    await pool.execute(_ROOMS, heavy, ROOMS)
    await pool.execute(_MEMBERS.format(order="DESC"), heavy, HEAVY_ROOMS)
    await pool.execute(_MEMBERS.format(order="ASC"), ordinary, ORDINARY_ROOMS)
    await pool.execute(_BARE)
    await pool.execute(_MESSAGES, heavy, timeout=60)
    await pool.execute("INSERT INTO search SELECT conversation_id, created_at, seq, text FROM messages", timeout=60)
    await pool.execute(_DRESSED, timeout=60)
    return heavy, ordinary


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def explained(connection: Connection, sql: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
    [row] = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *arguments)
    [whole] = json.loads(row[0])
    return list(nodes(whole["Plan"]))


class Spy(scan.Scan):
    """Explains each statement before it is run."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.rows = 0
        self.scans: set[tuple[str, str]] = set()

    async def read(self, parts: Sequence[Part]) -> list[Found]:
        plan = await explained(self._connection, scan.PARTS.sql, self.arguments(parts))
        for node in plan:
            if "Relation Name" in node and node["Actual Loops"]:
                self.scans.add((node["Relation Name"], node["Node Type"]))
            if node.get("Relation Name") == "search":
                self.rows += node["Actual Rows"] * node["Actual Loops"]
        return await super().read(parts)


async def spied(pool: Pool, user: str, words: str) -> Spy:
    async with snapshot(pool) as connection:
        found = (await scan.rooms(connection, user, None)).rooms
        spy = Spy(connection, user, found, read(words), None)
        await Merge([room.top for room in found], 20, spy.read).run(seconds=60)
    return spy


async def test_what_is_read_grows_with_what_must_be_and_only_keys_are_used(pool: Pool, town: tuple[str, str]) -> None:
    heavy, ordinary = town
    of_ordinary = await spied(pool, ordinary, "absent")
    common, never = await spied(pool, heavy, "words"), await spied(pool, heavy, "absent")

    assert of_ordinary.rows <= 25 * ORDINARY_ROOMS, "an ordinary user's search reads each of their messages once"
    assert common.rows <= 20_000, "a common word is found in the newest"
    assert never.rows <= 201_000, "and nobody's search reads more than its bound"
    by_key = {("search", "Index Scan"), ("messages", "Index Scan")}
    assert of_ordinary.scans | common.scans | never.scans <= by_key
    await _all_pages_find_all(pool, heavy)


async def _all_pages_find_all(pool: Pool, user: str) -> None:
    asked, seen = Asked(limit=50), 0
    while True:
        page = await search(pool, user, read("rarity"), asked)
        assert isinstance(page, Results)
        seen += len(page.results)
        if page.next is None:
            break
        asked = asked._replace(below=page.next)
    held = (
        "SELECT count(*) FROM messages JOIN participants p USING (conversation_id)"
        " WHERE p.user_id = $1 AND text LIKE $2"
    )
    assert seen == await pool.fetchval(held, user, "%rarity")
