"""The rows of users, as the app's own server writes and reads them."""

from collections.abc import Sequence

import msgspec

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Database, Pool, Query, Row, columns, transaction
from persistence.server.views import NewUser, ServerUser, Unread
from persistence.unread import store as unread_store
from persistence.users import revocations
from shared.auth.caller import Actor
from shared.clock import iso, iso_or_none

# In the order of the ids, as every writer of users.
_UPSERT = Query(
    "server_users",
    """
INSERT INTO users AS known (id, handle) SELECT * FROM unnest($1::uuid[], $2::text[]) AS w(id, handle) ORDER BY id
ON CONFLICT (id) DO UPDATE SET handle = excluded.handle
WHERE excluded.handle IS NOT NULL AND known.handle IS DISTINCT FROM excluded.handle
""",
)
_PUT_DATA = Query(
    "server_user_data",
    """
INSERT INTO user_data (user_id, data) SELECT * FROM unnest($1::uuid[], $2::text[]) AS w(user_id, data) ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE SET data = excluded.data
""",
)
_CLEAR_DATA = Query("server_user_data_clear", "DELETE FROM user_data WHERE user_id = ANY ($1::uuid[])")

_READ = Query(
    "server_user_read",
    """
SELECT u.id, u.handle, u.display_name, u.avatar_url, u.created_at, u.last_seen_at, u.deactivated_at, u.banned_at, d.data
FROM unnest($1::uuid[]) WITH ORDINALITY AS w(id, nth) JOIN users u ON u.id = w.id
LEFT JOIN user_data d ON d.user_id = u.id ORDER BY w.nth
""",
)

# The version moves, so that a gateway which was not told of it finds out at its next check.
_ACTIVATE = Query(
    "server_user_active",
    """
UPDATE users SET deactivated_at = CASE WHEN $2 THEN NULL ELSE now() END, version = version + 1
WHERE id = $1 AND (deactivated_at IS NULL) <> $2 RETURNING id
""",
)


async def upsert(pool: Pool, people: Sequence[NewUser]) -> list[ServerUser]:
    """Makes each of them a user with this handle and data, and gives them in this order. No id comes twice."""
    clear = [one.id for one in people if one.data == ""]
    data = [(one.id, one.data) for one in people if one.data]
    async with transaction(pool) as connection:
        await _UPSERT.rows(connection, *columns([(one.id, one.handle) for one in people], 2))
        if clear:
            await _CLEAR_DATA.rows(connection, clear)
        if data:
            await _PUT_DATA.rows(connection, *columns(data, 2))
        return await read(connection, [one.id for one in people])


async def read(database: Database, user_ids: Sequence[str]) -> list[ServerUser]:
    """Those of them who are known, in this order."""
    return [_view(row) for row in await _READ.rows(database, user_ids)]


async def set_active(pool: Pool, actor: Actor, user_id: str, *, active: bool, request_id: str | None) -> bool:
    """Refuses the user from now on, or no longer. False where that was so already, or nobody is known by this id."""
    async with transaction(pool) as connection:
        changed = await _ACTIVATE.row(connection, user_id, active) is not None
        if changed:
            await revocations.note_inactive(connection, user_id, inactive=not active)
            action = "user.reactivate" if active else "user.deactivate"
            await audit.note(connection, actor, Entry(action, "user", user_id), request_id)
    return changed


async def unread(database: Database, user_id: str) -> Unread:
    """Counted as lists, pushes and badges count it; all zero of who is unknown."""
    found = await unread_store.totals(database, user_id)
    return Unread(found.messages, found.mentions, found.conversations, found.messages)


def _view(row: Row) -> ServerUser:
    return ServerUser(
        id=row["id"],
        handle=row["handle"],
        display_name=row["display_name"],
        avatar_url=row["avatar_url"],
        created_at=iso(row["created_at"]),
        last_seen_at=iso_or_none(row["last_seen_at"]),
        deactivated_at=iso_or_none(row["deactivated_at"]),
        banned_at=iso_or_none(row["banned_at"]),
        data=msgspec.Raw(row["data"]) if row["data"] else None,
    )
