"""Devices: which push tokens a user has, and by which sign-in."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from persistence.database.pool import Connection, Database, Pool, Query, columns, transaction

MAX_DEVICES = 20
"""Per user; the ones registered longest ago make room."""

IS_REVOKED = "EXISTS (SELECT FROM refusals r WHERE r.subject = 'session:' || {device}.session_id AND r.refused)"
"""Of a row of `devices`, by its alias: its sign-in is revoked. Not asked: until when. A revocation that is over goes
together with its devices (store/retention.py), else they would hear of messages again."""


class KnownDevice(msgspec.Struct, frozen=True):
    """`registered_at`: when its sign-in first registered it; `last_seen_at`: when it last did, as at each start."""

    id: str
    platform: str | None
    device_id: str | None
    session_id: str | None
    registered_at: datetime
    last_seen_at: datetime


# Who registers a device id waits for whoever is at it. Without that, two users who register it at once would not see
# each other's row, and both would keep it.
_LOCK_DEVICE_ID = Query("device_lock", "SELECT pg_advisory_xact_lock(hashtextextended('device ' || $1, 0))")

_REGISTER = Query(
    "device_register",
    """
WITH moved AS (
    INSERT INTO devices (token, user_id, device_id, platform, session_id, registered_at, signed_in_at)
    SELECT $1, $2, $3, $4, $6, moment, moment FROM clock_timestamp() AS moment
    ON CONFLICT (token) DO UPDATE
    SET user_id = excluded.user_id, device_id = excluded.device_id, session_id = excluded.session_id,
        platform = coalesce(excluded.platform, devices.platform), registered_at = excluded.registered_at,
        signed_in_at = CASE
            WHEN devices.user_id = excluded.user_id AND devices.session_id IS NOT DISTINCT FROM excluded.session_id
            THEN coalesce(devices.signed_in_at, devices.registered_at) ELSE excluded.signed_in_at END
    RETURNING id
)
DELETE FROM devices
WHERE id NOT IN (SELECT id FROM moved)
  AND (device_id = $3 OR (user_id = $2 AND id IN (
       SELECT id FROM devices WHERE user_id = $2 ORDER BY registered_at DESC OFFSET $5)))
""",
)


async def register(
    pool: Pool, user_id: str, token: str, device_id: str | None, platform: str | None, session_id: str | None = None
) -> None:
    """The token is this user's from now on, whoever had it; earlier tokens of the same device id, whosesoever, are
    forgotten. `session_id`: the sign-in that registers it, None where the user's token names none."""
    async with transaction(pool) as connection:
        if device_id is not None:
            await _LOCK_DEVICE_ID.rows(connection, device_id)
        await _REGISTER.rows(connection, token, user_id, device_id, platform, MAX_DEVICES - 1, session_id)


_LIST = Query(
    "devices_list",
    f"""
SELECT id, platform, device_id, session_id, coalesce(signed_in_at, registered_at) AS registered_at,
       registered_at AS last_seen_at
FROM devices d WHERE user_id = $1 AND NOT {IS_REVOKED.format(device="d")} ORDER BY d.registered_at DESC, id
""",
)
_REMOVE = Query("device_remove", "DELETE FROM devices WHERE id = $1 AND user_id = $2 RETURNING id")


async def known(database: Database, user_id: str) -> list[KnownDevice]:
    """The devices that the user is told on, the one registered last first; at most MAX_DEVICES."""
    return [KnownDevice(**dict(row)) for row in await _LIST.rows(database, user_id)]


async def remove(database: Database, user_id: str, key: str) -> bool:
    """Whether the user had this device. It hears of nothing more, unless it registers again."""
    return await _REMOVE.row(database, key, user_id) is not None


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
