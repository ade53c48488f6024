"""What a sync reads of a user's conversations: page by page, and again those that an earlier page did not finish."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from persistence.database.pool import Database, Query, Row
from persistence.database.visibility import BEGINS, HIDES, MENTIONS, OWN_READ, UNREAD, reads_privately, stays
from persistence.sync.views import Place
from shared.api import LIVE_PRESENCE_MEMBERS

SLICE = 200
"""Conversations that one statement looks at."""

PRIVATE = reads_privately("$1")

# A message is reached by those who are in the conversation besides the user. What the user hid, and no message came to
# since, is not among their conversations. Each one's cursors are told of groups in which every receipt is: between two
# the least is the other's own, and beyond it would cost too much. Ids as text, here and below: asyncpg decodes a UUID
# in Python, and there may be tens of thousands.
_MINE = f"""
    SELECT c.id::text, c.last_seq, c.last_ordinal, c.members, {OWN_READ} AS read_seq, {BEGINS} AS begins,
           {UNREAD} AS unread_count,
           {MENTIONS} AS mention_count,
           p.hid_messages,
           coalesce(others.delivered_up_to, c.last_seq) AS delivered_up_to,
           CASE WHEN {PRIVATE} THEN 0 ELSE coalesce(others.read_up_to, c.last_seq) END AS read_up_to,
           others.ids, others.delivered, others.read,
           greatest(p.moved_xid, p.own_moved_xid, others.moved_xid, c.expired_xid) >= $2::text::xid8 AS moved
    FROM {{named}} participants p JOIN conversations c ON c.id = p.conversation_id CROSS JOIN LATERAL (
        SELECT min(o.delivered_seq) AS delivered_up_to, min(o.read_seq) AS read_up_to, max(o.moved_xid) AS moved_xid,
               array_agg(o.user_id::text) FILTER (WHERE c.members BETWEEN 3 AND $3) AS ids,
               array_agg(o.delivered_seq) FILTER (WHERE c.members BETWEEN 3 AND $3) AS delivered,
               array_agg(CASE WHEN {PRIVATE} THEN 0 ELSE o.read_seq END)
                   FILTER (WHERE c.members BETWEEN 3 AND $3) AS read
        FROM participants o WHERE o.conversation_id = c.id AND o.user_id <> p.user_id AND {stays("o")}
    ) AS others
    WHERE p.user_id = $1 AND p.left_at IS NULL AND NOT {HIDES} AND {{which}}
"""

# `as_of` is of the snapshot that all statements of an answer read.
_STATE = Query(
    "sync_state",
    f"""
SELECT meta.epoch, pg_snapshot_xmin(pg_current_snapshot())::text AS as_of, (
    SELECT blocks_xid >= $2::text::xid8 FROM users WHERE id = $1) AS blocks_changed, mine.*
FROM meta LEFT JOIN LATERAL (
    {_MINE.format(named="", which="($4::uuid IS NULL OR p.conversation_id > $4)")}
    ORDER BY p.conversation_id LIMIT $5
) AS mine ON true
ORDER BY mine.id
""",
)

_BEHIND = Query(
    "sync_behind",
    _MINE.format(
        named="unnest($4::text[]::uuid[], $5::bigint[]) AS w(id, seq) JOIN",
        which="w.seq < c.last_seq ORDER BY c.id LIMIT $6",
    ).replace("participants p JOIN", "participants p ON p.conversation_id = w.id JOIN", 1),
)


_FIRST_OF_NEWEST = Query(
    "sync_newest",
    """
SELECT w.id, coalesce((
    SELECT m.seq FROM messages m WHERE m.conversation_id = w.id::uuid ORDER BY m.seq DESC OFFSET $2 LIMIT 1), 1) AS seq
FROM unnest($1::text[]) AS w(id)
""",
)


_HIDDEN = Query(
    "sync_hidden",
    """
SELECT conversation_id::text, message_id::text FROM hidden_messages
WHERE user_id = $1 AND conversation_id = ANY ($2::text[]::uuid[]) AND hidden_xid >= $3::text::xid8
ORDER BY conversation_id, message_seq
""",
)


_BLOCKED = Query("sync_blocked", "SELECT blocked_id::text FROM blocks WHERE blocker_id = $1 ORDER BY blocked_id")


class Looked(NamedTuple):
    """`end`: the last conversation that was looked at; None where that is all of them. `blocks_changed`: since then the
    user blocked or unblocked somebody."""

    epoch: str
    as_of: int
    rows: list[Row]
    end: str | None
    blocks_changed: bool


async def look(database: Database, user_id: str, as_of: int, after: str | None) -> Looked:
    """The next SLICE of the user's conversations after that id, by id."""
    rows = await _STATE.rows(database, user_id, str(as_of), LIVE_PRESENCE_MEMBERS, after, SLICE)
    mine = [row for row in rows if row["id"] is not None]
    end = mine[-1]["id"] if len(mine) == SLICE else None
    return Looked(rows[0]["epoch"], int(rows[0]["as_of"]), mine, end, bool(rows[0]["blocks_changed"]))


async def blocked(database: Database, user_id: str) -> list[str]:
    """All whom the user blocks."""
    return [row["blocked_id"] for row in await _BLOCKED.rows(database, user_id)]


async def behind(
    database: Database, user_id: str, wanted: Mapping[str, int], place: Place | None, most: int
) -> list[Row]:
    """Of the conversations up to the place those, at most so many, in which the client lacks events."""
    if place is None:
        return []
    named = {key: seq for key, seq in wanted.items() if key <= place.conversation_id}
    if not named:
        return []
    return await _BEHIND.rows(database, user_id, "0", LIVE_PRESENCE_MEMBERS, list(named), list(named.values()), most)


async def before_newest(database: Database, rows: Sequence[Row], messages: int) -> dict[str, int]:
    """For each of these conversations the seq before its newest so many messages: looked for only where there are
    events besides."""
    found = {row["id"]: row["last_seq"] - messages for row in rows}
    mixed = [row["id"] for row in rows if row["last_ordinal"] < row["last_seq"]]
    if mixed:
        firsts = await _FIRST_OF_NEWEST.rows(database, mixed, messages - 1)
        found.update({row["id"]: row["seq"] - 1 for row in firsts})
    return found


async def hidden_since(
    database: Database, user_id: str, conversation_ids: Sequence[str], as_of: int
) -> dict[str, list[str]]:
    """For each of these conversations the messages that the user deleted for themselves alone since then."""
    found: dict[str, list[str]] = {}
    for row in await _hidden(database, user_id, conversation_ids, as_of):
        found.setdefault(row["conversation_id"], []).append(row["message_id"])
    return found


async def hidden_from(database: Database, user_id: str, conversation_ids: Sequence[str]) -> set[str]:
    """All messages of these conversations that the user deleted for themselves alone."""
    return {row["message_id"] for row in await _hidden(database, user_id, conversation_ids, 0)}


async def _hidden(database: Database, user_id: str, conversation_ids: Sequence[str], as_of: int) -> list[Row]:
    """Nothing is asked for who never did so."""
    return await _HIDDEN.rows(database, user_id, conversation_ids, str(as_of)) if conversation_ids else []
