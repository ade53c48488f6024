"""Whether two people are kept apart: what others ask before they bring people together."""

from collections.abc import Iterable

from persistence.database.pool import Connection, Database, Query

_LOCK_PAIR = Query(
    "pair_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended(concat('pair ', least($1::text, $2), ' ', greatest($1, $2)), 0))",
)

_AMONG = Query(
    "blocks_among",
    """
SELECT blocked_id AS id, true AS by_caller FROM blocks WHERE blocker_id = $1 AND blocked_id = ANY ($2::uuid[])
UNION ALL
SELECT blocker_id, false FROM blocks WHERE blocked_id = $1 AND blocker_id = ANY ($2::uuid[])
""",
)


async def hold_pair(connection: Connection, one: str, other: str) -> None:
    """Until the transaction ends neither of them blocks or unblocks the other. To be taken before any row."""
    await _LOCK_PAIR.rows(connection, one, other)


async def among(database: Database, caller: str, people: Iterable[str]) -> dict[str, bool]:
    """Those of these people with whom the caller has a block: True where it is the caller's own."""
    found: dict[str, bool] = {}
    for row in await _AMONG.rows(database, caller, list(people)):
        found[row["id"]] = found.get(row["id"], False) or row["by_caller"]
    return found
