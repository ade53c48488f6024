"""Announcing a file, which gives it its place and counts it, and asking what became of it."""

from typing import NamedTuple

import msgspec

from persistence.attachments.views import COLUMNS, Announced, NoSuchPoster, OverQuota, Upload, upload_of
from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.members.views import NotAMember
from shared.ids import new_id

MOST_FILES = 5000
"""That a user announces in a day: rows, beside what the bytes are worth."""

_PRIOR = Query("prior_attachment", f"SELECT {COLUMNS} FROM attachments WHERE owner_id = $1 AND client_id = $2")
_STATE = Query("attachment_state", f"SELECT {COLUMNS} FROM attachments WHERE owner_id = $1 AND id = $2")
_IS_MEMBER = Query(
    "announcer_is_member",
    "SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 AND left_at IS NULL",
)

# Locked, so that nobody takes it away before the new row refers to its bytes.
_POSTER = Query(
    "poster",
    """
SELECT coalesce(poster, blob) AS blob FROM attachments
WHERE id = $1 AND owner_id = $2 AND state = 'ready' AND has_thumb FOR KEY SHARE
""",
)

# The row of the day lets one announcement of a user pass after the other: the sum is exact. No row: it is full.
_COUNT = Query(
    "count_attachment",
    """
INSERT INTO attachment_days AS d (user_id, day, bytes, files)
SELECT $1::uuid, (now() AT TIME ZONE 'UTC')::date, $2::bigint, 1 WHERE $2::bigint <= $3::bigint
ON CONFLICT (user_id, day) DO UPDATE SET bytes = d.bytes + excluded.bytes, files = d.files + 1
    WHERE d.bytes + excluded.bytes <= $3 AND d.files < $4
RETURNING 1
""",
)
_DAY_LEFT = Query(
    "day_left",
    "SELECT extract(epoch FROM (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day')"
    " - (now() AT TIME ZONE 'UTC'))::float8 AS seconds",
)
GIVE_BACK = """
UPDATE attachment_days d SET bytes = d.bytes - gone.bytes, files = d.files - gone.files
FROM (
    SELECT owner_id, (created_at AT TIME ZONE 'UTC')::date AS day, sum(size)::bigint AS bytes, count(*) AS files
    FROM {gone} GROUP BY 1, 2 ORDER BY 1, 2
) AS gone WHERE d.user_id = gone.owner_id AND d.day = gone.day
"""
"""What the rows of `{gone}` were counted for."""

_INSERT = Query(
    "announce_attachment",
    f"""
WITH kept AS (
    INSERT INTO blobs (id, touched_at) VALUES ($1, now())
)
INSERT INTO attachments (id, blob, conversation_id, owner_id, client_id, state, kind, name, content_type, size,
    width, height, duration_ms, waveform, thumbhash, is_encrypted, poster, has_thumb, created_at, expires_at)
VALUES ($1, $1, $2, $3, $4, 'waiting', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::uuid, $15::uuid IS NOT NULL,
    now(), now() + interval '24 hours')
RETURNING {COLUMNS}
""",
)


class Announcement(NamedTuple):
    """`waveform` is JSON. `poster`: another file of the caller."""

    conversation_id: str | None
    client_id: str
    kind: str
    name: str
    content_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    waveform: str | None = None
    thumbhash: str | None = None
    is_encrypted: bool = False
    poster: str | None = None


async def announce(
    pool: Pool, user_id: str, given: Announcement, *, user_bytes: int
) -> Announced | NotAMember | NoSuchPoster | OverQuota:
    """The upload that is to come, or the one that came of the same client id before."""
    async with transaction(pool) as connection:
        prior = await _PRIOR.row(connection, user_id, given.client_id)
        if prior is not None:
            return _announced(prior, is_new=False)
        place = given.conversation_id
        if place is not None and await _IS_MEMBER.row(connection, place, user_id) is None:
            return NotAMember()
        poster = None if given.poster is None else await _POSTER.row(connection, given.poster, user_id)
        if given.poster is not None and poster is None:
            return NoSuchPoster()
        return await _counted(connection, user_id, given, poster, user_bytes)


async def _counted(
    connection: Connection, user_id: str, given: Announcement, poster: Row | None, user_bytes: int
) -> Announced | OverQuota:
    if await _COUNT.row(connection, user_id, given.size, user_bytes, MOST_FILES) is None:
        left = await _DAY_LEFT.row(connection)
        assert left is not None, "a day has an end"
        return OverQuota(left["seconds"])
    # Asked again under the lock of the user's day: two with one client id at once are one.
    prior = await _PRIOR.row(connection, user_id, given.client_id)
    if prior is not None:
        await _UNCOUNT.rows(connection, user_id, given.size)
        return _announced(prior, is_new=False)
    row = await _INSERT.row(
        connection,
        new_id(),
        given.conversation_id,
        user_id,
        *given[1:-1],
        None if poster is None else poster["blob"],
    )
    assert row is not None, "an INSERT gives its row"
    return _announced(row, is_new=True)


_UNCOUNT = Query(
    "uncount_attachment",
    "UPDATE attachment_days SET bytes = bytes - $2, files = files - 1"
    " WHERE user_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date",
)


async def state(database: Database, user_id: str, attachment_id: str) -> Upload | None:
    """A file as its owner sees it; None for another's and for none."""
    row = await _STATE.row(database, user_id, attachment_id)
    return None if row is None else upload_of(row)


def _announced(row: Row, *, is_new: bool) -> Announced:
    return Announced(upload_of(row), row["until"], is_new)


def encoded_waveform(given: list[float] | None) -> str | None:
    return None if given is None else msgspec.json.encode(given).decode()
