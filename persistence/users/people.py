"""People as rows that others refer to: whoever is named is one, known or not."""

from collections.abc import Sequence

from persistence.database.pool import Connection, Database, Query

_NAME = Query(
    "name_people",
    "INSERT INTO users (id) SELECT id FROM unnest($1::uuid[]) AS w(id) ORDER BY id ON CONFLICT DO NOTHING",
)
_HOLD = Query("hold_people", "SELECT FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE")
_STRANGERS = Query(
    "strangers",
    "SELECT count(*) AS n FROM unnest($1::uuid[]) AS w(id) LEFT JOIN users u ON u.id = w.id WHERE u.id IS NULL",
)


async def strangers(database: Database, user_ids: Sequence[str]) -> int:
    """How many of these were never named."""
    row = await _STRANGERS.row(database, user_ids)
    assert row is not None, "a count has a row"
    return int(row["n"])


async def hold_people(connection: Connection, user_ids: Sequence[str]) -> None:
    """Until the transaction ends; who is unknown becomes a user without a handle.

    Race: a participant's reference locks its user FOR KEY SHARE, and who then wants more of a row that others wait for
    waits for them. So people are held before their participants come to be.
    """
    await _NAME.rows(connection, user_ids)
    await _HOLD.rows(connection, user_ids)
