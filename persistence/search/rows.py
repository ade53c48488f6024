"""The rows of `search`: one a message that can be found, written by a follower, gone with what they were made of."""

from collections.abc import Sequence
from typing import Final

import asyncpg
from prometheus_client import Counter

from persistence.attachments.views import held_files
from persistence.database.pool import Connection, Database, Query, Row, columns, transaction
from persistence.database.visibility import stands
from persistence.log.logged import Logged
from persistence.log.state import extra_of
from persistence.search.folding import fold
from shared.events.message_edited import MESSAGE_EDITED
from shared.events.message_new import MESSAGE_NEW, Preview

WRITTEN = Counter("parley_persistence_search_rows_total", "Messages whose words were made ready to be found.")

LINE: Final = "\n"
"""Between the parts of what is found; stands in no fold, so no phrase goes across."""

SEARCHED: Final = "m.conversation_id, m.created_at, m.seq, m.text, m.extra, m.attachments, m.placeholder"
"""Of a message `m`: what its row is made of."""
IS_SEARCHED: Final = f"({stands('m')} AND NOT m.opaque)"

# No join: a table without statistics yet would be read whole for each. In the order in which all take the locks of
# messages. Who waited for one reads the message as it stands after that.
_READ = Query(
    "search_read",
    f"""
SELECT {SEARCHED} FROM messages m
WHERE m.id = ANY ($2::uuid[]) AND m.conversation_id = ANY ($1::uuid[]) AND {IS_SEARCHED}
ORDER BY m.conversation_id, m.seq FOR SHARE
""",
)

_WRITE = Query(
    "search_write",
    """
INSERT INTO search AS s (conversation_id, created_at, seq, body)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::text[])
ON CONFLICT (conversation_id, created_at, seq) DO UPDATE SET body = excluded.body WHERE s.body <> excluded.body
""",
)


async def follow(database: Database, events: Sequence[Logged]) -> None:
    """A `Follower`: makes what was sent or edited ready to be found.

    The row is made of the message as it stands, under its lock: told late, or again, it writes what is true now, and
    nothing of what is deleted. Comes before the followers that lock anything else.
    """
    said = [(one.conversation_id, one.message_id) for one in events if one.kind in (MESSAGE_NEW, MESSAGE_EDITED)]
    if not said:
        return
    if not isinstance(database, asyncpg.Pool):
        await _write_of(database, said)
        return
    async with transaction(database) as connection:
        await _write_of(connection, said)


async def _write_of(connection: Connection, said: Sequence[tuple[str, str | None]]) -> None:
    await write(connection, await _READ.rows(connection, *columns(list(dict.fromkeys(said)), 2)))


async def write(connection: Connection, messages: Sequence[Row]) -> None:
    """Of messages with SEARCHED, which this transaction holds."""
    rows = [(row["conversation_id"], row["created_at"], row["seq"], body_of(row)) for row in messages]
    if rows:
        await _WRITE.rows(connection, *columns(rows, 4))
        WRITTEN.inc(len(rows))


def body_of(message: Row) -> str:
    """All that a message is found by, folded, one thing a line."""
    return LINE.join(fold(part) for part in searched(message) if part)


def searched(message: Row) -> list[str]:
    """What it says, the names of its files, and the title of the page that it links to."""
    preview = extra_of(message).preview
    title = preview.title if isinstance(preview, Preview) else None
    said = "" if message["placeholder"] else message["text"]
    return [said, *(file.name for file in held_files(message["attachments"])), title or ""]
