"""Whose tokens are refused although they are signed: revoked sessions, and banned users."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from persistence.database.pool import Connection, Database, Pool, Query, transaction

SESSION, USER, INACTIVE, CHANGED = "session:", "user:", "inactive:", "changed:"
"""Of subjects. One that begins with CHANGED refuses nobody: it tells every process, by the statement that each runs
every second anyway, that something else which it keeps in memory is to be read anew."""
LIFTED_SECONDS = 86_400
"""How long it is remembered that a ban was lifted: every process asks every second."""

_PUT = Query(
    "refuse",
    """
INSERT INTO refusals AS known (subject, refused, expires_at)
VALUES ($1, $2, coalesce($4, now() + make_interval(secs => $3)))
ON CONFLICT (subject) DO UPDATE SET refused = excluded.refused, changed_at = now(), expires_at = excluded.expires_at,
    changed_xid = pg_current_xact_id()
""",
)

# The version moves, so that a gateway which was not told of it finds out at its next check.
_BAN = Query(
    "ban",
    """
INSERT INTO users AS known (id, banned_at, banned_until, ban_reason)
SELECT $1, CASE WHEN $2 THEN now() END, $3, $4 WHERE $2 OR EXISTS (SELECT FROM users WHERE id = $1)
ON CONFLICT (id) DO UPDATE SET version = known.version + 1, banned_at = excluded.banned_at,
    banned_until = excluded.banned_until, ban_reason = excluded.ban_reason
WHERE (known.banned_at IS NOT NULL AND (known.banned_until IS NULL OR known.banned_until > now()),
    CASE WHEN $2 THEN known.banned_until END, CASE WHEN $2 THEN known.ban_reason END)
    IS DISTINCT FROM ($2, $3, $4)
RETURNING id
""",
)

_SINCE = Query(
    "refusals_since",
    """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS mark, r.subject, r.refused,
       extract(epoch FROM r.expires_at)::float8 AS expires_at
FROM (SELECT) AS one LEFT JOIN refusals r
    ON r.changed_xid >= $1::text::xid8 AND (r.expires_at IS NULL OR r.expires_at > now())
""",
)

# With the epoch, which is asked for anyway: a connect costs no query more.
_REVOKED = Query(
    "epoch_and_revoked",
    """
SELECT epoch, ARRAY(
    SELECT subject FROM refusals WHERE subject = ANY ($1::text[]) AND refused AND expires_at > now()) AS revoked
FROM meta
""",
)


class Ban(NamedTuple):
    """`until` None: for ever. `reason` is told to the user."""

    until: datetime | None = None
    reason: str | None = None


class Refusal(NamedTuple):
    """`expires_at` in Unix seconds; None: never by itself."""

    subject: str
    refused: bool
    expires_at: float | None


async def revoke(database: Database, session_id: str, seconds: float) -> None:
    """Refuses the tokens of this sign-in for so long."""
    await _PUT.rows(database, SESSION + session_id, True, seconds, None)


async def ban(pool: Pool, user_id: str, *, banned: bool) -> bool:
    """Refuses the user, known or not, from now on; or no longer. False where that was so already."""
    async with transaction(pool) as connection:
        return await (put_ban(connection, user_id, Ban()) if banned else lift_ban(connection, user_id))


async def put_ban(connection: Connection, user_id: str, given: Ban) -> bool:
    """Belongs after the locks of messages: takes the user's. False where it was so already."""
    changed = await _BAN.row(connection, user_id, True, given.until, given.reason)
    if changed is not None:
        await _PUT.rows(connection, USER + user_id, True, None, given.until)
    return changed is not None


async def lift_ban(connection: Connection, user_id: str) -> bool:
    """As `put_ban`."""
    changed = await _BAN.row(connection, user_id, False, None, None)
    if changed is not None:
        await _PUT.rows(connection, USER + user_id, False, LIFTED_SECONDS, None)
    return changed is not None


async def note_inactive(connection: Connection, user_id: str, *, inactive: bool) -> None:
    """Every process refuses the user, apart from any ban, or refuses no longer, within a second of the commit."""
    await _PUT.rows(connection, INACTIVE + user_id, inactive, None if inactive else LIFTED_SECONDS, None)


async def note_change(connection: Connection, what: str) -> None:
    """Every process reads anew, within a second of the commit, what it listens for under this word."""
    await _PUT.rows(connection, CHANGED + what, False, LIFTED_SECONDS, None)


async def since(database: Database, mark: int) -> tuple[int, list[Refusal]]:
    """What changed since this mark (0: all there is), and the next one. A change may come twice, none is left out."""
    rows = await _SINCE.rows(database, str(mark))
    found = [Refusal(row["subject"], row["refused"], row["expires_at"]) for row in rows if row["subject"] is not None]
    return rows[0]["mark"], found


async def epoch_and_revoked(database: Database, session_ids: Sequence[str]) -> tuple[str, list[str]]:
    """The database's epoch, and those of these sign-ins that are revoked."""
    [row] = await _REVOKED.rows(database, [SESSION + session_id for session_id in session_ids])
    return str(row["epoch"]), [subject.removeprefix(SESSION) for subject in row["revoked"]]
