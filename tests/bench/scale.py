"""Makes a database of many messages and measures searches in it: `make scale`, `make scale SCALE=full`."""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import NamedTuple

from persistence.database.migrate import migrate
from persistence.database.pool import Pool, open_pool
from persistence.search import filling
from persistence.search.store import Asked, search
from persistence.search.views import Results
from persistence.search.wanted import read
from tests.integration.persistence.talk import people
from tests.support.servers import new_postgres


class Size(NamedTuple):
    """`heavy`: messages of the 400 conversations of a heavy user; an ordinary one has 1,000 in 25."""

    messages: int
    conversations: int
    heavy: int


SIZES = {
    "small": Size(200_000, 4_000, 40_000),
    "medium": Size(1_000_000, 20_000, 370_000),
    "full": Size(10_000_000, 200_000, 370_000),
}
HEAVY_ROOMS, ORDINARY_ROOMS, ORDINARY_MESSAGES = 400, 25, 1_000
SEARCHES = 100

# Conversations of the heavy user, of the ordinary one, and of nobody who is asked.
_ROOMS = """
INSERT INTO conversations (id, created_at, updated_at, latest_at, members, is_group, created_by, last_seq, last_ordinal)
SELECT gen_random_uuid(), '2025-01-01', '2026-01-01', '2026-01-01', 1, true, $1, $3, $3 FROM generate_series(1, $2::int)
RETURNING id
"""
_MEMBER = """
INSERT INTO participants (conversation_id, user_id, joined_at) SELECT id, $2, '2025-01-01' FROM unnest($1::uuid[]) AS id
"""
# 40,000 words, the first of them far more often than the last, and some Chinese.
_MESSAGES = """
INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)
SELECT c.id, n, n, at, at, gen_random_uuid(), c.created_by, (
    SELECT string_agg(CASE WHEN random() < 0.05 THEN '苹果' || chr(19968 + (random() * 2000)::int)
                           ELSE 'wörd' || (40000 * random() ^ 4)::int END, ' ')
    FROM generate_series(1, 8 + (n % 5)::int)
)
FROM conversations c CROSS JOIN LATERAL generate_series(1, c.last_seq) AS n
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' - (c.last_seq - n) * interval '11 min' AS at) AS t
WHERE c.id = ANY ($1::uuid[])
"""


class Town(NamedTuple):
    heavy: str
    ordinary: str
    made_seconds: float
    filled_seconds: float


async def make(pool: Pool, size: Size) -> Town:
    began = perf_counter()
    heavy, ordinary, nobody = await people(pool, 3)
    mine = await _rooms(pool, heavy, HEAVY_ROOMS, size.heavy)
    await _rooms(pool, ordinary, ORDINARY_ROOMS, ORDINARY_MESSAGES)
    rest = size.conversations - HEAVY_ROOMS - ORDINARY_ROOMS
    await _rooms(pool, nobody, rest, size.messages - size.heavy - ORDINARY_MESSAGES)
    assert len(mine) == HEAVY_ROOMS
    made = perf_counter()
    await filling.restart(pool)
    while await filling.fill(pool, 5000):
        pass
    await pool.execute("VACUUM ANALYZE", timeout=3600)
    return Town(heavy, ordinary, made - began, perf_counter() - made)


async def _rooms(pool: Pool, user: str, number: int, messages: int) -> list[str]:
    rooms = [row["id"] for row in await pool.fetch(_ROOMS, user, number, max(1, messages // number), timeout=600)]
    await pool.execute(_MEMBER, rooms, user, timeout=600)
    for begin in range(0, number, 2000):
        await pool.execute(_MESSAGES, rooms[begin : begin + 2000], timeout=3600)
    return rooms


class Measured(NamedTuple):
    """Of one user's searches for words of one kind."""

    name: str
    p50_ms: float
    p99_ms: float
    incomplete: int


async def measure(pool: Pool, user: str, name: str, words: Sequence[str]) -> Measured:
    took, incomplete = [], 0
    for word in words:
        began = perf_counter()
        found = await search(pool, user, read(word), Asked(limit=20))
        took.append(1000 * (perf_counter() - began))
        assert isinstance(found, Results)
        incomplete += not found.complete
    cuts = quantiles(took, n=100)
    return Measured(name, cuts[49], cuts[98], incomplete)


async def measure_all(pool: Pool, town: Town) -> list[Measured]:
    dice = random.Random(24)
    kinds = {
        "common": [f"word{dice.randrange(9)}" for _ in range(SEARCHES)],
        "middling": [f"word{dice.randrange(300, 3000)}" for _ in range(SEARCHES)],
        "absent": [f"absent{number}" for number in range(SEARCHES)],
        "Chinese": [f"果{chr(19968 + dice.randrange(2000))}" for _ in range(SEARCHES)],
    }
    return [
        await measure(pool, user, f"{who}, {kind}", words)
        for who, user in (("ordinary", town.ordinary), ("heavy", town.heavy))
        for kind, words in kinds.items()
    ]


async def report(pool: Pool, size: Size, town: Town) -> str:
    sizes = await pool.fetchrow(
        "SELECT pg_table_size('messages') AS text, pg_table_size('search') AS search, pg_indexes_size('search') AS keys"
    )
    assert sizes is not None
    lines = [
        f"{size.messages:,} messages in {size.conversations:,} conversations, made in {town.made_seconds:.0f} s; made"
        f" findable in {town.filled_seconds:.0f} s ({size.messages / town.filled_seconds:,.0f} a second)",
        f"messages {sizes['text'] / 1e6:,.0f} MB, search {sizes['search'] / 1e6:,.0f} MB,"
        f" its key {sizes['keys'] / 1e6:,.0f} MB",
        "",
        "| search | p50 ms | p99 ms | ended by a bound |",
        "| --- | --- | --- | --- |",
    ]
    measured = await measure_all(pool, town)
    return "\n".join(
        lines
        + [f"| {one.name} | {one.p50_ms:.1f} | {one.p99_ms:.1f} | {one.incomplete} of {SEARCHES} |" for one in measured]
    )


async def run(size: Size, url: str) -> str:
    await migrate(url)
    pool = await open_pool(url, size=4)
    try:
        return await report(pool, size, await make(pool, size))
    finally:
        await pool.close()


async def main() -> None:
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--database", help="an empty one to fill; else a Postgres of its own, which is removed")
    chosen = parser.parse_args()
    if chosen.database:
        print(await run(SIZES[chosen.size], chosen.database))
        return
    with tempfile.TemporaryDirectory() as folder:
        server = new_postgres(Path(folder), fsync="off", shared_buffers="512MB", max_wal_size="4GB")
        await server.start()
        try:
            print(await run(SIZES[chosen.size], server.url))
        finally:
            await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
