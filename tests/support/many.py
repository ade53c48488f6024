"""Somebody in very many conversations, written straight into the database: made one by one it would take minutes."""

from persistence.database.pool import Pool

_CONVERSATIONS = """
INSERT INTO conversations (id, created_at, updated_at, members, is_group, created_by)
SELECT gen_random_uuid(), now(), date_trunc('milliseconds', now()) - make_interval(secs => n), 2, true, $1
FROM generate_series(1, $2::int) AS n RETURNING id
"""
_PARTICIPANTS = """
INSERT INTO participants (conversation_id, user_id, joined_at)
SELECT c.id, u.id, now() FROM unnest($1::uuid[]) AS c(id), unnest($2::uuid[]) AS u(id)
"""


async def name_in(pool: Pool, user_id: str, other: str, number: int) -> list[str]:
    """So many new conversations of these two, who are known already; their ids, the latest activity first."""
    rows = await pool.fetch(_CONVERSATIONS, user_id, number)
    ids = [row["id"] for row in rows]
    await pool.execute(_PARTICIPANTS, ids, [user_id, other])
    return ids
