"""Blocking and unblocking people, and who blocks whom.

In each conversation of the two, the one who blocks leaves with a marker: `withdrawn_at` keeps them the other one for
who stays, and keeps their cursors among those that make a message delivered and read. Both are `barred` from it as long
as either of them is withdrawn, so mutual blocks do not undo each other.
"""

from collections.abc import Sequence

from prometheus_client import Counter

from persistence.blocks.views import AsBefore, Block, Blocking, TooMany
from persistence.conversations import store as conversations
from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.members import user_outbox as memberships
from persistence.users.pairs import hold_pair
from shared.clock import iso
from shared.wire import Kind

BLOCKS = Counter("parley_persistence_blocks_total", "People whom somebody blocked.")

MOST = 1000
"""People whom one person blocks."""

# Taken before the pair's: whoever makes a conversation of the pair takes that one alone. Both come before any row, so
# nobody who waits for them holds what another one wants.
_LOCK_OWN = Query("blocks_lock", "SELECT pg_advisory_xact_lock(hashtextextended('blocks ' || $1::text, 0))")
_LIST = Query(
    "list_blocks",
    """
SELECT b.blocked_id, u.handle, b.created_at FROM blocks b LEFT JOIN users u ON u.id = b.blocked_id
WHERE b.blocker_id = $1 ORDER BY b.created_at DESC, b.blocked_id
""",
)

_STANDS = Query(
    "block_stands",
    """
SELECT count(*) AS n, count(*) FILTER (WHERE blocked_id = $2) AS known FROM blocks WHERE blocker_id = $1
""",
)

_PUT = Query(
    "block",
    """
INSERT INTO blocks (blocker_id, blocked_id, created_at)
VALUES ($1, $2, date_trunc('milliseconds', clock_timestamp()))
""",
)
_DELETE = Query("unblock", "DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2 RETURNING blocked_id")

_HOLD = Query(
    "hold_conversations_of_two",
    """
SELECT p.conversation_id FROM participants p
WHERE p.user_id IN ($1, $2) AND p.conversation_id IN (
    SELECT c.id FROM participants mine JOIN participants theirs USING (conversation_id)
    JOIN conversations c ON c.id = conversation_id
    WHERE mine.user_id = $1 AND theirs.user_id = $2 AND NOT c.is_group)
ORDER BY p.conversation_id, p.user_id FOR NO KEY UPDATE OF p
""",
)

# After the locks, in a new snapshot. Whether the other one is withdrawn says whether they block the caller.
_MARK = Query(
    "mark_blocked",
    """
UPDATE participants p SET barred = $4 OR theirs.withdrawn_at IS NOT NULL, moved_xid = pg_current_xact_id(),
    left_at = CASE WHEN p.user_id = $2 THEN p.left_at WHEN $4 THEN coalesce(p.left_at, now()) END,
    withdrawn_at = CASE WHEN p.user_id = $2 THEN p.withdrawn_at WHEN $4 THEN coalesce(p.withdrawn_at, now()) END
FROM participants theirs
WHERE p.conversation_id = ANY ($3::uuid[]) AND p.user_id IN ($1, $2)
    AND theirs.conversation_id = p.conversation_id AND theirs.user_id = $2
RETURNING p.conversation_id, p.user_id, theirs.withdrawn_at IS NOT NULL AS other_is_out
""",
)

_NOTE = Query("note_blocks", "UPDATE users SET blocks_xid = pg_current_xact_id() WHERE id = $1")


async def listed(database: Database, user_id: str) -> list[Block]:
    """Whom the user blocks, the latest first: at most MOST."""
    rows = await _LIST.rows(database, user_id)
    return [Block(row["blocked_id"], row["handle"], iso(row["created_at"])) for row in rows]


async def block(pool: Pool, caller: str, other: str) -> Blocking | AsBefore | TooMany:
    """From the commit on nothing of `other` reaches the caller in the conversations of the two, nor the reverse."""
    async with transaction(pool) as connection:
        await _lock(connection, caller, other)
        row = await _STANDS.row(connection, caller, other)
        assert row is not None, "a count has a row"
        if row["known"]:
            return AsBefore()
        if row["n"] >= MOST:
            return TooMany()
        await _PUT.rows(connection, caller, other)
        found = await _applied(connection, caller, other, on=True)
    BLOCKS.inc()
    return found


async def unblock(pool: Pool, caller: str, other: str) -> Blocking | AsBefore:
    """Their conversations come back to the caller as they were. What the other one blocks stays blocked."""
    async with transaction(pool) as connection:
        await _lock(connection, caller, other)
        if await _DELETE.row(connection, caller, other) is None:
            return AsBefore()
        return await _applied(connection, caller, other, on=False)


async def _lock(connection: Connection, caller: str, other: str) -> None:
    await _LOCK_OWN.rows(connection, caller)
    await hold_pair(connection, caller, other)


async def _applied(connection: Connection, caller: str, other: str, *, on: bool) -> Blocking:
    held = await _HOLD.rows(connection, caller, other)
    rooms = list(dict.fromkeys(row["conversation_id"] for row in held))
    marked = await _MARK.rows(connection, caller, other, rooms, on) if rooms else []
    changes = await memberships.change_many(connection, [one for row in marked for one in _news(row, caller, on=on)])
    await _NOTE.rows(connection, caller)
    views = {} if on else await conversations.view(connection, [(caller, room) for room in rooms])
    return Blocking(changes, {room: view for (_, room), view in views.items()}, rooms if on else [])


def _news(row: Row, caller: str, *, on: bool) -> Sequence[tuple[str, Kind, str]]:
    """What changed for one of the two in a conversation. For who is out of it themselves nothing did."""
    room, user, other_is_out = row["conversation_id"], row["user_id"], row["other_is_out"]
    if user != caller:
        return [] if other_is_out else [(user, Kind.BARRED if on else Kind.UNBARRED, room)]
    if on:
        return [(user, Kind.LEFT, room)]
    back = (user, Kind.JOINED, room)
    return [back, (user, Kind.BARRED, room)] if other_is_out else [back]
