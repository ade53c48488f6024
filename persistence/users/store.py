"""Users: known by their tokens, or named by others before they ever signed in."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from persistence.database.pool import Database, Query, Row, columns
from persistence.database.visibility import HIDES, REFUSED, keep_apart
from persistence.users.revocations import epoch_and_revoked
from shared.api import Room, Session, SessionsAnswer, SessionUser
from shared.clock import iso_or_none
from shared.streams import Seen
from shared.wire import Privacy

# Written in the order of the ids, here and wherever users are locked, so that nobody waits in a circle. What is known
# already is neither written nor locked. What the user chose themselves counts more than their token.
_REMEMBER = Query(
    "remember_users",
    """
INSERT INTO users AS known (id, handle, display_name, avatar_url)
SELECT w.* FROM (
    SELECT n.id, CASE WHEN $5 THEN n.handle ELSE coalesce(k.handle, n.handle) END AS handle,
           n.display_name, n.avatar_url
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS n(id, handle, display_name, avatar_url)
    LEFT JOIN users k ON k.id = n.id
) AS w LEFT JOIN users u ON u.id = w.id
WHERE u.id IS NULL OR u.handle IS DISTINCT FROM w.handle
    OR (NOT u.own_name AND u.display_name IS DISTINCT FROM w.display_name)
    OR (NOT u.own_avatar AND u.avatar_url IS DISTINCT FROM w.avatar_url)
ORDER BY w.id
ON CONFLICT (id) DO UPDATE
SET handle = excluded.handle,
    display_name = CASE WHEN known.own_name THEN known.display_name ELSE excluded.display_name END,
    avatar_url = CASE WHEN known.own_avatar THEN known.avatar_url ELSE excluded.avatar_url END
""",
)

# The newest first, as a client is told of these first. Ids as text: there may be tens of thousands, and asyncpg decodes
# each UUID in Python.
_SESSIONS = Query(
    "sessions",
    f"""
SELECT u.id, u.handle, u.version, {REFUSED} AS banned, u.ban_reason, u.banned_until,
       f.read_receipts, f.last_seen, rooms.*
FROM users u LEFT JOIN preferences f ON f.user_id = u.id CROSS JOIN LATERAL (
    SELECT array_agg(o.id) AS ids, array_agg(o.members) AS members,
           array_agg(o.id) FILTER (WHERE o.is_hidden) AS hidden_ids,
           array_agg(o.hidden_seq) FILTER (WHERE o.is_hidden) AS hidden_seqs,
           array_agg(o.id) FILTER (WHERE o.barred) AS barred_ids
    FROM (
        SELECT c.id::text, c.members, {HIDES} AS is_hidden, p.hidden_seq, p.barred
        FROM participants p JOIN conversations c ON c.id = p.conversation_id
        WHERE p.user_id = u.id AND p.left_at IS NULL ORDER BY c.updated_at DESC
    ) AS o
) AS rooms
WHERE u.id = ANY ($1::uuid[])
""",
)

NOBODY: Final = "nobody"

_LAST_SEEN = Query("last_seen", "SELECT id, last_seen_at FROM users WHERE id = ANY ($1::uuid[])")

_DISCREET = Query(
    "discreet_users",
    f"SELECT user_id FROM preferences WHERE user_id = ANY ($1::uuid[]) AND last_seen = '{NOBODY}'",
)

_SHARING = Query(
    "share_conversation",
    f"""
SELECT w.id FROM unnest($2::uuid[]) AS w(id) WHERE EXISTS (
    SELECT FROM participants theirs JOIN participants mine USING (conversation_id)
    WHERE theirs.user_id = w.id AND theirs.left_at IS NULL AND mine.user_id = $1 AND mine.left_at IS NULL
) AND {keep_apart("$1", "w.id")} IS NULL
""",
)

_MARK_SEEN = Query(
    "mark_seen",
    """
WITH seen AS (
    SELECT u.id, w.at FROM unnest($1::uuid[], $2::timestamptz[]) AS w(id, at) JOIN users u ON u.id = w.id
    ORDER BY u.id FOR NO KEY UPDATE OF u
)
UPDATE users u SET last_seen_at = seen.at FROM seen
WHERE u.id = seen.id AND (u.last_seen_at IS NULL OR u.last_seen_at < seen.at)
""",
)


async def remember(database: Database, users: Sequence[SessionUser], *, renames: bool = True) -> None:
    """Makes each of them a user with these names and this picture. Writes nothing where that is so already. Without
    `renames` who has a handle keeps it."""
    latest = {user.id: (user.id, user.handle, user.display_name, user.avatar_url) for user in users}
    await _REMEMBER.rows(database, *columns(list(latest.values()), 4), renames)


async def sessions(
    database: Database, users: Sequence[SessionUser], session_ids: Sequence[str] = (), *, renames: bool = True
) -> SessionsAnswer:
    """Remembers who connected, then reads each one's rooms and version, both of one moment; and what is revoked."""
    await remember(database, users, renames=renames)
    rows = await _SESSIONS.rows(database, list({user.id for user in users}))
    epoch, revoked = await epoch_and_revoked(database, session_ids)
    return SessionsAnswer(epoch=epoch, sessions=[_session(row) for row in rows], revoked=revoked)


def _session(row: Row) -> Session:
    rooms = [
        Room(id=room_id, members=members)
        for room_id, members in zip(row["ids"] or (), row["members"] or (), strict=True)
    ]
    hidden = dict(zip(row["hidden_ids"] or (), row["hidden_seqs"] or (), strict=True))
    return Session(
        id=row["id"],
        version=row["version"],
        rooms=rooms,
        hidden=hidden,
        barred=row["barred_ids"] or [],
        banned=row["banned"],
        ban_reason=row["ban_reason"],
        banned_until=iso_or_none(row["banned_until"]),
        privacy=Privacy(reads_privately=row["read_receipts"] is False, hides_last_seen=row["last_seen"] == NOBODY),
        handle=row["handle"],
    )


async def last_seen(database: Database, user_ids: Iterable[str]) -> dict[str, datetime | None]:
    """When each was last seen to go offline; None if never. Who is unknown is absent."""
    rows = await _LAST_SEEN.rows(database, list(user_ids))
    return {row["id"]: row["last_seen_at"] for row in rows}


async def discreet(database: Database, user_ids: Iterable[str]) -> set[str]:
    """Those who show nobody when they were last here."""
    rows = await _DISCREET.rows(database, list(user_ids))
    return {row["user_id"] for row in rows}


async def share_conversation(database: Database, caller: str, user_ids: Iterable[str]) -> set[str]:
    """Those of the users who are in a conversation that the caller is in too, and whom no block keeps apart from the
    caller; the caller as well, if in any."""
    rows = await _SHARING.rows(database, caller, list(user_ids))
    return {row["id"] for row in rows}


async def mark_seen(database: Database, seen: Sequence[Seen]) -> None:
    """Notes when users went offline; never an earlier time than the one that is known."""
    if not seen:
        return
    latest: dict[str, int] = {}
    for one in seen:
        latest[one.user_id] = max(one.at_ms, latest.get(one.user_id, 0))
    times = [(user_id, datetime.fromtimestamp(at_ms / 1000, UTC)) for user_id, at_ms in latest.items()]
    await _MARK_SEEN.rows(database, *columns(times, 2))
