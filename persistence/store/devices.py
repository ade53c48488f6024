"""Devices and their owners' wishes: which push tokens a user has, and what they want to hear."""

from collections.abc import Sequence
from typing import Any

import msgspec

from persistence.store.database import Connection, Database, Pool, Query, columns, transaction

MAX_DEVICES = 20
"""Per user; the ones registered longest ago make room."""


class Preferences(msgspec.Struct, frozen=True):
    """What a user wants to hear. `preview` None: the deployment's default. Quiet times are minutes after midnight."""

    messages_enabled: bool = True
    preview: str | None = None
    quiet_start: int | None = None
    quiet_end: int | None = None
    time_zone: str | None = None


_REGISTER = Query(
    "device_register",
    """
WITH moved AS (
    INSERT INTO devices (token, user_id, device_id, platform)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (token) DO UPDATE
    SET user_id = excluded.user_id, device_id = excluded.device_id,
        platform = coalesce(excluded.platform, devices.platform), registered_at = clock_timestamp()
    RETURNING id
)
DELETE FROM devices
WHERE user_id = $2 AND id NOT IN (SELECT id FROM moved)
  AND (device_id = $3
       OR id IN (SELECT id FROM devices WHERE user_id = $2 ORDER BY registered_at DESC OFFSET $5))
""",
)


async def register(database: Database, user_id: str, token: str, device_id: str | None, platform: str | None) -> None:
    """The token is this user's from now on, whoever had it; an earlier token of the same device is forgotten."""
    await _REGISTER.rows(database, token, user_id, device_id, platform, MAX_DEVICES - 1)


async def forget(database: Database, user_id: str, token: str) -> None:
    """Removes the user's own token; somebody else's, or an unknown one, is left alone."""
    await _FORGET.rows(database, token, user_id)


_FORGET = Query("device_forget", "DELETE FROM devices WHERE token = $1 AND user_id = $2")

_REMOVE_DEAD = Query(
    "device_remove_dead",
    """
DELETE FROM devices d
USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS i(conversation_id, message_id, device_id), push_ledger l
WHERE l.conversation_id = i.conversation_id AND l.message_id = i.message_id AND l.device_id = i.device_id
  AND d.id = i.device_id AND d.registered_at <= l.token_registered_at + interval '1 millisecond'
""",
)


async def remove_dead(connection: Connection, told: Sequence[tuple[str, str, str]]) -> None:
    """Removes the devices of these ledger rows, named by (conversation, message, device): Expo calls their tokens dead.

    A token that was registered again after the push was claimed is alive, and stays.
    """
    await _REMOVE_DEAD.rows(connection, *columns(told, 3))


_READ = "SELECT messages_enabled, preview, quiet_start, quiet_end, time_zone FROM preferences WHERE user_id = $1"
_PREFERENCES = Query("preferences", _READ)
_LOCK_PREFERENCES = Query("preferences_lock", _READ + " FOR UPDATE")
_DEFAULT_PREFERENCES = Query(
    "preferences_default", "INSERT INTO preferences (user_id) VALUES ($1) ON CONFLICT DO NOTHING"
)
_SET_PREFERENCES = Query(
    "preferences_set",
    """
INSERT INTO preferences (user_id, messages_enabled, preview, quiet_start, quiet_end, time_zone)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id) DO UPDATE
SET messages_enabled = excluded.messages_enabled, preview = excluded.preview, quiet_start = excluded.quiet_start,
    quiet_end = excluded.quiet_end, time_zone = excluded.time_zone, updated_at = now()
""",
)


async def preferences(database: Database, user_id: str) -> Preferences:
    """The defaults, for a user who never said anything."""
    row = await _PREFERENCES.row(database, user_id)
    return Preferences(**dict(row)) if row else Preferences()


async def change_preferences(pool: Pool, user_id: str, changes: dict[str, Any]) -> Preferences:
    """Sets the named fields and leaves the others; gives what holds now."""
    async with transaction(pool) as connection:
        await _DEFAULT_PREFERENCES.rows(connection, user_id)
        before = await _LOCK_PREFERENCES.rows(connection, user_id)
        changed = msgspec.structs.replace(Preferences(**dict(before[0])), **changes)
        await _SET_PREFERENCES.rows(connection, user_id, *msgspec.structs.astuple(changed))
    return changed
