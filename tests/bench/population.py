"""Users and conversations written into Postgres at once: what an app would have made by a hundred thousand requests."""

from collections.abc import Iterable
from datetime import UTC, datetime

import asyncpg

from tests.bench.seats import conversation_id, user_id

CREATED = datetime(2026, 11, 22, 20, 15, 4, tzinfo=UTC)
_SEGMENTS = 8


async def populate(database_url: str, users: int, conversations: Iterable[tuple[int, ...]]) -> str:
    """Conversation i has the users named by number; gives the epoch of the database."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = list(enumerate(conversations))
        await connection.copy_records_to_table(
            "users", columns=("id", "handle"), records=((user_id(number), f"user{number}") for number in range(users))
        )
        await connection.copy_records_to_table(
            "conversations",
            columns=("id", "created_at", "updated_at", "members", "is_group", "created_by"),
            records=(
                (conversation_id(room), CREATED, CREATED, len(members), len(members) > 2, user_id(members[0]))
                for room, members in rows
            ),
        )
        await connection.copy_records_to_table(
            "participants",
            columns=("conversation_id", "user_id", "joined_at"),
            records=((conversation_id(room), user_id(one), CREATED) for room, members in rows for one in members),
        )
        # Not messages, which are empty: Postgres would believe that they stay so, and plan to read them all.
        await connection.execute("ANALYZE users, conversations, participants")
        return str(await connection.fetchval("SELECT epoch FROM meta"))
    finally:
        await connection.close()


async def wear_in(database_url: str) -> None:
    """Gives Postgres WAL segments to use again, as a server that has run for an hour has: a new one makes each, 16 MB
    that it writes and syncs, in the middle of what is measured.
    """
    connection = await asyncpg.connect(database_url)
    for _ in range(_SEGMENTS):
        await connection.execute("SELECT pg_logical_emit_message(false, 'bench', 'x')")  # an empty one is not left
        await connection.execute("SELECT pg_switch_wal()")
    await connection.execute("CHECKPOINT")
    await connection.close()
