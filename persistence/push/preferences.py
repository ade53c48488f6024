"""What users want to hear, and the toggles that their app keeps beside it."""

from typing import Any

import msgspec

from persistence.database.pool import Database, Pool, Query, Row, transaction

MAX_TOGGLES = 50


class Preferences(msgspec.Struct, frozen=True):
    """What a user wants to hear. `preview` None: the deployment's default. Quiet times are minutes after midnight.

    `toggles` mean something to the app alone.
    """

    messages_enabled: bool = True
    preview: str | None = None
    quiet_start: int | None = None
    quiet_end: int | None = None
    time_zone: str | None = None
    toggles: dict[str, bool] = {}


class TooManyToggles(msgspec.Struct, frozen=True):
    """There would be more than MAX_TOGGLES: nothing was changed."""


_READ = (
    "SELECT messages_enabled, preview, quiet_start, quiet_end, time_zone, toggles FROM preferences WHERE user_id = $1"
)
_PREFERENCES = Query("preferences", _READ)
_LOCK_PREFERENCES = Query("preferences_lock", _READ + " FOR UPDATE")
_DEFAULT_PREFERENCES = Query(
    "preferences_default", "INSERT INTO preferences (user_id) VALUES ($1) ON CONFLICT DO NOTHING"
)
_SET_PREFERENCES = Query(
    "preferences_set",
    """
UPDATE preferences
SET messages_enabled = $2, preview = $3, quiet_start = $4, quiet_end = $5, time_zone = $6, toggles = $7,
    updated_at = now()
WHERE user_id = $1
""",
)


async def preferences(database: Database, user_id: str) -> Preferences:
    """The defaults, for a user who never said anything."""
    row = await _PREFERENCES.row(database, user_id)
    return _preferences(row) if row else Preferences()


async def change_preferences(
    pool: Pool, user_id: str, changes: dict[str, Any], toggles: dict[str, bool | None]
) -> Preferences | TooManyToggles:
    """Sets the named fields and toggles and leaves the others; a toggle that is None goes. Gives what holds now."""
    async with transaction(pool) as connection:
        await _DEFAULT_PREFERENCES.rows(connection, user_id)
        [row] = await _LOCK_PREFERENCES.rows(connection, user_id)
        before = _preferences(row)
        kept = {name: value for name, value in {**before.toggles, **toggles}.items() if value is not None}
        if len(kept) > MAX_TOGGLES:
            return TooManyToggles()
        changed = msgspec.structs.replace(before, **changes, toggles=kept)
        *wishes, _ = msgspec.structs.astuple(changed)
        await _SET_PREFERENCES.rows(connection, user_id, *wishes, msgspec.json.encode(kept).decode())
    return changed


def _preferences(row: Row) -> Preferences:
    return Preferences(**{**dict(row), "toggles": msgspec.json.decode(row["toggles"])})
