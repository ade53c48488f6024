"""Messages whose time is over. Every statement takes them for deleted from that moment on; here they are erased, their
people's devices told, and phones made to show less. No event is written: the message itself said when it ends."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from prometheus_client import Counter

from persistence.database.pool import Database, Pool, Query, Row, transaction
from persistence.database.visibility import BEGINS, MENTIONS, UNREAD
from persistence.log.delivery import Delivery
from persistence.log.logged import Key
from persistence.messages import erasing
from persistence.push import withdrawals
from shared import frames

EXPIRED = Counter("parley_persistence_messages_expired_total", "Messages erased because their time was over.")

BATCH = 500
"""In a transaction: each holds the rows of its conversations to the end."""
MOST_BATCHES = 20
"""In a sweep; the next one, a second later, goes on."""

# Race: another process sweeps, or somebody edits, reacts or deletes, and holds the row: it is skipped, and the next
# sweep takes it. So nobody waits here while they hold message rows.
_DUE = Query(
    "expired_messages",
    """
SELECT m.conversation_id, m.seq, m.id, m.attachments IS NOT NULL AS has_files FROM messages m
WHERE m.expires_at <= statement_timestamp()
ORDER BY m.expires_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
""",
)

# Whoever syncs next is told the new counts, though no event came. Conversations come last in the order of locks.
_NOTE = Query(
    "note_expired",
    """
WITH room AS (
    SELECT id FROM conversations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
)
UPDATE conversations c SET expired_xid = pg_current_xact_id() FROM room WHERE c.id = room.id
""",
)

_MEMBERS = Query(
    "members_of_expired",
    f"""
SELECT p.user_id, c.id, c.last_seq, w.seq, {UNREAD} AS unread, {MENTIONS} AS mentions
FROM unnest($1::uuid[], $2::bigint[]) AS w(id, seq) JOIN conversations c ON c.id = w.id
JOIN participants p ON p.conversation_id = c.id AND p.left_at IS NULL AND {BEGINS} < w.seq
ORDER BY c.id, p.user_id
""",
)


class Erased(NamedTuple):
    """Messages that are gone now, and of each conversation the seq up to which that is said."""

    messages: int
    up_to: dict[str, int]


class Gone(NamedTuple):
    """A message whose time was over."""

    conversation_id: str
    seq: int
    message_id: str


Note = Callable[[Database, Sequence[Gone]], Awaitable[None]]
"""Hears of what goes, in the transaction in which it does."""


async def nobody(_: Database, __: Sequence[Gone]) -> None:
    """Nobody wants to hear of it."""


async def erase(pool: Pool, limit: int = BATCH, note: Note = nobody) -> Erased:
    """Erases the oldest of those whose time is over, and notes whose badges and pushes went with them."""
    async with transaction(pool) as connection:
        rows = await _DUE.rows(connection, limit)
        if rows:
            gone = [(row["conversation_id"], row["id"]) for row in rows]
            await withdrawals.mark(connection, gone)
            await erasing.expired(connection, _keys(rows), _keys([row for row in rows if row["has_files"]]))
            await note(connection, [Gone(row["conversation_id"], row["seq"], row["id"]) for row in rows])
            await _NOTE.rows(connection, list({conversation_id for conversation_id, _ in gone}))
    return Erased(len(rows), _furthest(rows))


def _keys(rows: Sequence[Row]) -> list[Key]:
    return [(row["conversation_id"], row["seq"]) for row in rows]


def _furthest(rows: Sequence[Row]) -> dict[str, int]:
    up_to: dict[str, int] = defaultdict(int)
    for row in rows:
        up_to[row["conversation_id"]] = max(up_to[row["conversation_id"]], row["seq"])
    return dict(up_to)


class Expiry:
    """`sweep` is to be called every second or so, by any number of processes at once."""

    def __init__(self, pool: Pool, delivery: Delivery, note: Note = nobody) -> None:
        self._pool = pool
        self._delivery = delivery
        self._note = note

    async def sweep(self) -> None:
        """Raises DATABASE_FAILURES; then the next one goes on. Who could not be told sees it at their next sync."""
        for _ in range(MOST_BATCHES):
            erased = await erase(self._pool, note=self._note)
            EXPIRED.inc(erased.messages)
            if erased.up_to:
                await self._tell(erased.up_to)
            if erased.messages < BATCH:
                return

    async def _tell(self, up_to: dict[str, int]) -> None:
        for user_id, frame in await told(self._pool, up_to):
            await self._delivery.room()
            self._delivery.to_user(user_id, frame)


async def told(database: Database, up_to: dict[str, int]) -> list[tuple[str, bytes]]:
    """For the devices of each member of these conversations: what they count from now on."""
    rows = await _MEMBERS.rows(database, list(up_to), list(up_to.values()))
    return [(row["user_id"], _frame(row)) for row in rows]


def _frame(row: Row) -> bytes:
    return frames.conversation_expired(
        conversation_id=row["id"],
        up_to_seq=row["seq"],
        unread_count=row["unread"],
        mention_count=row["mentions"],
        as_of_seq=row["last_seq"],
    )
