"""The rows of server keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Database, Pool, Query, Row, columns, transaction
from persistence.keys.scopes import closed
from persistence.keys.views import MadeKey, ServerKey, TooManyKeys
from persistence.users import revocations
from shared.auth import server_key
from shared.auth.caller import Actor
from shared.clock import iso, iso_or_none
from shared.ids import new_id

KEYS = "keys"
"""The word under which a change is told to every process."""
MOST_KEYS = 100
"""That live at a time: every process keeps them in memory."""

_COLUMNS = "id, name, scopes, created_at, expires_at, revoked_at, used_at"
_LIVES = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"

# Two at once may both find one place left: then there is one key too many, which harms nobody.
_INSERT = Query(
    "key_insert",
    f"""
INSERT INTO api_keys (id, name, hash, scopes, expires_at)
SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM api_keys WHERE {_LIVES}) < {MOST_KEYS}
RETURNING {_COLUMNS}
""",
)
_REVOKE = Query(
    "key_revoke", "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING name"
)
_LIST = Query(
    "key_list", f"SELECT {_COLUMNS} FROM api_keys ORDER BY revoked_at IS NOT NULL, created_at DESC LIMIT 1000"
)
_LIVING = Query(
    "keys_living",
    f"SELECT id, hash, scopes, extract(epoch FROM expires_at)::float8 AS expires_at FROM api_keys WHERE {_LIVES}",
)
_USED = Query(
    "keys_used",
    """
UPDATE api_keys k SET used_at = date_trunc('minute', greatest(k.used_at, w.at))
FROM unnest($1::uuid[], $2::timestamptz[]) AS w(id, at) WHERE k.id = w.id
""",
)
_MAKE_KNOWN = Query("act_as_user", "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING")


class LivingKey(NamedTuple):
    """`expires_at` in Unix seconds; None: never."""

    hash: bytes
    scopes: frozenset[str]
    expires_at: float | None


async def create(
    pool: Pool, actor: Actor, name: str, scopes: Collection[str], expires_at: datetime | None = None
) -> MadeKey | TooManyKeys:
    """Raises nothing but DATABASE_FAILURES: the scopes are ones of `scopes.EVERY`."""
    key_id = new_id()
    text, hashed = server_key.new_key(key_id)
    async with transaction(pool) as connection:
        row = await _INSERT.row(connection, key_id, name, hashed, sorted(set(scopes)), expires_at)
        if row is None:
            return TooManyKeys(MOST_KEYS)
        details = {"name": name, "scopes": sorted(set(scopes))}
        await audit.note(connection, actor, Entry("key.create", "key", key_id, details=details))
        await revocations.note_change(connection, KEYS)
    return MadeKey(_view(row), text)


async def revoke(pool: Pool, actor: Actor, key_id: str) -> bool:
    """False where there is no such key, or it was revoked before."""
    async with transaction(pool) as connection:
        row = await _REVOKE.row(connection, key_id)
        if row is not None:
            await audit.note(connection, actor, Entry("key.revoke", "key", key_id, details={"name": row["name"]}))
            await revocations.note_change(connection, KEYS)
    return row is not None


async def everyone(database: Database) -> list[ServerKey]:
    """Living ones first, then the newest; the 1,000 first of them."""
    return [_view(row) for row in await _LIST.rows(database)]


async def living(database: Database) -> dict[str, LivingKey]:
    rows = await _LIVING.rows(database)
    return {row["id"]: LivingKey(row["hash"], closed(row["scopes"]), row["expires_at"]) for row in rows}


async def note_used(database: Database, used: Sequence[tuple[str, datetime]]) -> None:
    await _USED.rows(database, *columns(list(used), 2))


async def make_known(database: Database, user_id: str) -> None:
    """A user for whom a key speaks exists, whether they ever signed in or not."""
    await _MAKE_KNOWN.rows(database, user_id)


def _view(row: Row) -> ServerKey:
    return ServerKey(
        id=row["id"],
        name=row["name"],
        scopes=row["scopes"],
        created_at=iso(row["created_at"]),
        expires_at=iso_or_none(row["expires_at"]),
        revoked_at=iso_or_none(row["revoked_at"]),
        last_used_at=iso_or_none(row["used_at"]),
    )
