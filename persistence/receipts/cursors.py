"""How far each participant has come: delivered, attended (delivered while a person looked), read. Never backwards."""

from collections.abc import Iterable, Sequence

from persistence.database.pool import Database, Query, Row, columns
from persistence.database.visibility import OWN_READ
from persistence.members.views import NotAMember
from persistence.receipts.views import Marked, Minimum, Moved, Pointer, Status
from shared.streams import Cursor

# Rows are locked in the order of their key, as in the send statement, and only then compared: with what they are now,
# not with what they were in the snapshot. What lies past the end counts as the end; reading implies having looked, and
# that implies having. The pointers name the newest message at or below each cursor, and a cursor that passed none is no
# news to others: receipts are about messages alone.
#
# Of who tells nobody how far they have read only the own cursor moves, and nothing that others can ask for: also not
# when it moved, nor in the history, from which others learn since when somebody has a message.
_ADVANCE = Query(
    "advance_cursors",
    f"""
WITH said AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS s(conversation_id, user_id, delivered, attended, read)
), held AS (
    SELECT p.conversation_id, p.user_id, p.delivered_seq, p.attended_seq, c.members, c.last_seq,
           CASE WHEN f.user_id IS NULL THEN p.read_seq ELSE {OWN_READ} END AS read_seq,
           f.user_id IS NOT NULL AS is_private,
           s.delivered, s.attended, s.read
    FROM said s
    JOIN participants p ON p.conversation_id = s.conversation_id AND p.user_id = s.user_id AND p.left_at IS NULL
    JOIN conversations c ON c.id = p.conversation_id
    LEFT JOIN preferences f ON f.user_id = s.user_id AND NOT f.read_receipts
    ORDER BY p.conversation_id, p.user_id FOR NO KEY UPDATE OF p
), wanted AS (
    SELECT *, greatest(delivered_seq, least(greatest(delivered, attended, read), last_seq)) AS new_delivered,
           greatest(attended_seq, least(greatest(attended, read), last_seq)) AS new_attended,
           greatest(read_seq, least(read, last_seq)) AS new_read
    FROM held
), passed AS (
    SELECT w.*, d.id AS delivered_id, d.seq AS delivered_message, r.id AS read_id, r.seq AS read_message, r.ordinal,
           coalesce(d.seq > w.delivered_seq, false) AS passed_delivered,
           coalesce(r.seq > w.read_seq, false) AS passed_read
    FROM wanted w LEFT JOIN LATERAL (
        SELECT id, seq FROM messages m WHERE m.conversation_id = w.conversation_id AND m.seq <= w.new_delivered
        ORDER BY m.seq DESC LIMIT 1
    ) AS d ON true LEFT JOIN LATERAL (
        SELECT id, seq, ordinal FROM messages m WHERE m.conversation_id = w.conversation_id AND m.seq <= w.new_read
        ORDER BY m.seq DESC LIMIT 1
    ) AS r ON true
), moved AS (
    UPDATE participants p
    SET delivered_seq = w.new_delivered, attended_seq = w.new_attended,
        read_seq = CASE WHEN w.is_private THEN p.read_seq ELSE w.new_read END,
        own_read_seq = CASE WHEN w.is_private THEN w.new_read ELSE p.own_read_seq END,
        read_ordinal = CASE WHEN w.passed_read AND NOT w.is_private THEN w.ordinal ELSE p.read_ordinal END,
        own_read_ordinal = CASE WHEN w.passed_read AND w.is_private THEN w.ordinal ELSE p.own_read_ordinal END,
        moved_xid = CASE WHEN w.passed_delivered OR (w.passed_read AND NOT w.is_private)
            THEN pg_current_xact_id() ELSE p.moved_xid END,
        own_moved_xid = CASE WHEN w.passed_read AND w.is_private THEN pg_current_xact_id() ELSE p.own_moved_xid END
    FROM passed w
    WHERE p.conversation_id = w.conversation_id AND p.user_id = w.user_id
        AND (w.new_delivered > w.delivered_seq OR w.new_attended > w.attended_seq OR w.new_read > w.read_seq)
    RETURNING p.conversation_id, p.user_id, p.attended_seq, p.read_seq, p.own_read_seq, w.is_private,
        p.delivered_seq, w.new_delivered > w.delivered_seq AS has_more
), history AS (
    INSERT INTO cursor_moves (conversation_id, user_id, attended_seq, delivered_seq, read_seq, own_read_seq)
    SELECT conversation_id, user_id, attended_seq,
           CASE WHEN is_private AND NOT has_more THEN 0 ELSE delivered_seq END,
           CASE WHEN is_private THEN 0 ELSE read_seq END, CASE WHEN is_private THEN own_read_seq ELSE 0 END
    FROM moved
)
SELECT w.conversation_id, w.user_id, w.members, w.is_private, w.delivered_message, w.delivered_id,
       w.read_message, w.read_id, u.handle,
       w.delivered > 0 AND ($6 OR w.passed_delivered) AS tell_delivered,
       w.read > 0 AND ($6 OR w.passed_read) AS tell_read
FROM passed w LEFT JOIN users u ON u.id = w.user_id
ORDER BY w.conversation_id, w.user_id
""",
)

_NAMED = Query(
    "named_messages",
    """
SELECT count(m.id) AS n, max(m.seq) AS seq FROM participants p LEFT JOIN messages m
    ON m.conversation_id = p.conversation_id AND m.id = ANY ($3::uuid[])
WHERE p.conversation_id = $1 AND p.user_id = $2 AND p.left_at IS NULL GROUP BY p.user_id
""",
)

# A transaction that had not ended in this snapshot has an id at or above its xmin, so what it moves is told next time.
_AS_OF = Query("as_of", "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS as_of")

# Of whoever sent a message the own cursors are past it: so it is read by all others where it is read by all.
_MINIMA = Query(
    "cursor_minima",
    """
SELECT c.id, min(p.delivered_seq) AS delivered, min(p.read_seq) AS read
FROM conversations c JOIN participants p ON p.conversation_id = c.id AND p.left_at IS NULL
WHERE c.id = ANY ($1::uuid[]) GROUP BY c.id
""",
)

# In a big group the ones who came furthest stand for all.
_MOVED_SINCE = Query(
    "moved_since",
    """
WITH ranked AS (
    SELECT p.*, c.members, row_number() OVER (
        PARTITION BY p.conversation_id ORDER BY p.read_seq DESC, p.delivered_seq DESC, p.user_id) AS rank
    FROM participants p JOIN conversations c ON c.id = p.conversation_id
    WHERE p.conversation_id = ANY ($1::uuid[]) AND p.left_at IS NULL AND p.moved_xid >= $2::text::xid8
)
SELECT w.conversation_id, w.user_id, w.members, false AS is_private, true AS tell_delivered, true AS tell_read,
       d.id AS delivered_id, d.seq AS delivered_message, r.id AS read_id, r.seq AS read_message, u.handle
FROM ranked w LEFT JOIN users u ON u.id = w.user_id LEFT JOIN LATERAL (
    SELECT id, seq FROM messages m WHERE m.conversation_id = w.conversation_id AND m.seq <= w.delivered_seq
    ORDER BY m.seq DESC LIMIT 1
) AS d ON true LEFT JOIN LATERAL (
    SELECT id, seq FROM messages m WHERE m.conversation_id = w.conversation_id AND m.seq <= w.read_seq
    ORDER BY m.seq DESC LIMIT 1
) AS r ON true
WHERE w.rank <= $3
ORDER BY w.conversation_id, w.user_id
""",
)

MOST_MOVED = 50
"""Of one conversation, in an answer about many."""


async def advance(database: Database, cursors: Iterable[Cursor], *, again: bool = False) -> list[Moved]:
    """Applies what clients said, whatever the order in which it comes: a cursor only ever goes forward.

    Answers those whose spoken `delivered` or `read` passed a message; with `again` all that were spoken of, as they
    stand now. Cursors of people who are not in the conversation are ignored.
    """
    merged = merge(cursors)
    rows = await _ADVANCE.rows(database, *columns([_fields(cursor) for cursor in merged], 5), again)
    return [moved for moved in map(_moved, rows) if moved.delivered or moved.read]


def merge(cursors: Iterable[Cursor]) -> list[Cursor]:
    """One cursor for each user and conversation, the furthest of each kind."""
    furthest: dict[tuple[str, str], Cursor] = {}
    for cursor in cursors:
        key = (cursor.conversation_id, cursor.user_id)
        known = furthest.get(key, cursor)
        furthest[key] = Cursor(
            *key,
            max(known.delivered, cursor.delivered),
            max(known.attended, cursor.attended),
            max(known.read, cursor.read),
        )
    return list(furthest.values())


def _fields(cursor: Cursor) -> tuple[str, str, int, int, int]:
    return (cursor.conversation_id, cursor.user_id, cursor.delivered, cursor.attended, cursor.read)


async def mark(
    database: Database, user_id: str, conversation_id: str, message_ids: Sequence[str], status: Status
) -> Marked | NotAMember:
    """The user has, or has read, everything up to and with the newest of these messages.

    Ids of no message of this conversation are neither counted nor an error.
    """
    named = await _NAMED.row(database, conversation_id, user_id, message_ids)
    if named is None:
        return NotAMember()
    if not named["n"]:
        return Marked(0, [])
    spoken = {"read": named["seq"]} if status is Status.READ else {"delivered": named["seq"]}
    return Marked(named["n"], await advance(database, [Cursor(conversation_id, user_id, **spoken)]))


async def moved_since(
    database: Database, conversation_ids: Sequence[str], as_of: int | None
) -> tuple[int, list[Moved]]:
    """Whose cursors moved in these conversations since the `as_of` of an earlier answer, and this answer's own.

    Without one, nobody: the caller begins here. One that moved at that very time may be told twice. Of a conversation
    at most MOST_MOVED are told, those who came furthest.
    """
    row = await _AS_OF.row(database)
    assert row is not None, "a query without FROM has a row"
    now = int(row["as_of"])
    if as_of is None:
        return now, []
    rows = await _MOVED_SINCE.rows(database, conversation_ids, str(as_of), MOST_MOVED)
    return now, [_moved(row) for row in rows]


async def minima(database: Database, conversation_ids: Sequence[str]) -> list[Minimum]:
    """How far everybody has come in each of these conversations."""
    rows = await _MINIMA.rows(database, conversation_ids)
    return [Minimum(row["id"], row["delivered"], row["read"]) for row in rows]


def _moved(row: Row) -> Moved:
    return Moved(
        conversation_id=row["conversation_id"],
        user_id=row["user_id"],
        members=row["members"],
        is_private=row["is_private"],
        handle=row["handle"],
        delivered=_pointer(row["delivered_message"], row["delivered_id"]) if row["tell_delivered"] else None,
        read=_pointer(row["read_message"], row["read_id"]) if row["tell_read"] else None,
    )


def _pointer(seq: int | None, message_id: str | None) -> Pointer | None:
    """None where there is no message yet."""
    return None if seq is None or message_id is None else Pointer(seq, message_id)
