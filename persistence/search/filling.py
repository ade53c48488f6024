"""The rows of messages that were there before `search` was: filled in by batches, by one process at a time."""

from datetime import datetime
from typing import NamedTuple

from prometheus_client import Gauge

from persistence.database.pool import Database, Pool, Query, transaction
from persistence.search.rows import IS_SEARCHED, SEARCHED, write

FILLED = Gauge(
    "parley_persistence_search_filled", "1 once the words of all older messages are ready to be found, else 0."
)

BATCH = 1000
"""Messages of one transaction: 30 ms, in which nobody edits or deletes them."""

_TURN = Query(
    "search_fill_turn", "SELECT conversation_id, seq FROM search_fill WHERE done_at IS NULL FOR UPDATE SKIP LOCKED"
)
_NEXT = Query(
    "search_fill_read",
    f"""
SELECT {SEARCHED}, {IS_SEARCHED} AS is_searched FROM messages m
WHERE (m.conversation_id, m.seq) > ($1::uuid, $2::bigint)
ORDER BY m.conversation_id, m.seq LIMIT $3 FOR SHARE OF m
""",
)
_NOTE = Query(
    "search_fill_note",
    """
UPDATE search_fill SET conversation_id = $1, seq = $2, messages_read = messages_read + $3,
    done_at = CASE WHEN $4 THEN now() END
""",
)
_PROGRESS = Query("search_fill_progress", "SELECT messages_read, started_at, done_at FROM search_fill")
_ABOUT = Query("messages_about", "SELECT greatest(reltuples, 0)::bigint AS n FROM pg_class WHERE relname = 'messages'")
_RESTART = Query(
    "search_fill_restart",
    """
UPDATE search_fill SET conversation_id = '00000000-0000-0000-0000-000000000000', seq = 0, messages_read = 0,
    started_at = now(), done_at = NULL
""",
)


class Progress(NamedTuple):
    """`done_at` None: not all are filled in yet."""

    messages_read: int
    started_at: datetime
    done_at: datetime | None


async def fill(pool: Pool, batch: int = BATCH) -> int:
    """The next batch; how many messages were read. 0: all is done, or somebody else is at it."""
    async with transaction(pool) as connection:
        turn = await _TURN.row(connection)
        if turn is None:
            return 0
        rows = await _NEXT.rows(connection, turn["conversation_id"], turn["seq"], batch)
        await write(connection, [row for row in rows if row["is_searched"]])
        last = (rows[-1]["conversation_id"], rows[-1]["seq"]) if rows else (turn["conversation_id"], turn["seq"])
        await _NOTE.rows(connection, *last, len(rows), len(rows) < batch)
    return len(rows)


async def restart(database: Database) -> None:
    """From the first message on: nothing is lost, and what is right already is not written again."""
    await _RESTART.rows(database)


async def progress(database: Database) -> Progress:
    row = await _PROGRESS.row(database)
    assert row is not None, "the migration made it"
    return Progress(row["messages_read"], row["started_at"], row["done_at"])


async def about(database: Database) -> int:
    """How many messages there are, as Postgres guesses."""
    row = await _ABOUT.row(database)
    return row["n"] if row else 0


class Filler:
    """Of a persistence process: `run` fills one batch, until all is done; then it costs nothing."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_done = False

    async def run(self) -> None:
        """To be called again and again, with as much rest between as others need. Raises DATABASE_FAILURES."""
        if not self._is_done and await fill(self._pool) == 0:
            self._is_done = (await progress(self._pool)).done_at is not None
            FILLED.set(1 if self._is_done else 0)
