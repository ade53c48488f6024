"""What users want to hear, and the toggles that their app keeps beside it."""

from typing import Any, Final, NamedTuple

import msgspec

from persistence.database.pool import Database, Pool, Query, Row, transaction
from shared.wire import Privacy

MAX_TOGGLES = 50
EVERYONE: Final = "everyone"


class Preferences(msgspec.Struct, frozen=True):
    """What a user wants to hear. `preview` None: the deployment's default. Quiet times are minutes after midnight.

    `read_receipts` False: nobody hears how far the user reads; `last_seen` nobody: nor when they were last here. Nor
    do they of others. `toggles` mean something to the app alone.
    """

    messages_enabled: bool = True
    preview: str | None = None
    quiet_start: int | None = None
    quiet_end: int | None = None
    time_zone: str | None = None
    read_receipts: bool = True
    last_seen: str = EVERYONE
    toggles: dict[str, bool] = {}

    @property
    def privacy(self) -> Privacy:
        return Privacy(reads_privately=not self.read_receipts, hides_last_seen=self.last_seen != EVERYONE)


class TooManyToggles(msgspec.Struct, frozen=True):
    """There would be more than MAX_TOGGLES: nothing was changed."""


class Changed(NamedTuple):
    """What holds now; `version` is that of the user's memberships, where gateways are to hear of another privacy."""

    preferences: Preferences
    version: int | None


_READ = """
SELECT messages_enabled, preview, quiet_start, quiet_end, time_zone, read_receipts, last_seen, toggles
FROM preferences WHERE user_id = $1
"""
_PREFERENCES = Query("preferences", _READ)
_LOCK_PREFERENCES = Query("preferences_lock", _READ + " FOR UPDATE")
_DEFAULT_PREFERENCES = Query(
    "preferences_default", "INSERT INTO preferences (user_id) VALUES ($1) ON CONFLICT DO NOTHING"
)
_SET_PREFERENCES = Query(
    "preferences_set",
    """
UPDATE preferences
SET messages_enabled = $2, preview = $3, quiet_start = $4, quiet_end = $5, time_zone = $6, read_receipts = $7,
    last_seen = $8, toggles = $9, updated_at = now()
WHERE user_id = $1
""",
)

# A gateway that does not hear of it finds another version at its next check, and reads the user anew.
_NEW_VERSION = Query("privacy_version", "UPDATE users SET version = version + 1 WHERE id = $1 RETURNING version")


async def preferences(database: Database, user_id: str) -> Preferences:
    """The defaults, for a user who never said anything."""
    row = await _PREFERENCES.row(database, user_id)
    return _preferences(row) if row else Preferences()


async def change_preferences(
    pool: Pool, user_id: str, changes: dict[str, Any], toggles: dict[str, bool | None]
) -> Changed | TooManyToggles:
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
        version = None
        if changed.privacy != before.privacy:
            [user] = await _NEW_VERSION.rows(connection, user_id)
            version = user["version"]
    return Changed(changed, version)


def _preferences(row: Row) -> Preferences:
    return Preferences(**{**dict(row), "toggles": msgspec.json.decode(row["toggles"])})
