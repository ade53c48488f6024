"""An upload on its way, as media asks about it: who writes, until when, and what became of it."""

from typing import NamedTuple

from persistence.attachments.announcing import GIVE_BACK
from persistence.attachments.views import COLUMNS, Upload, upload_of
from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from shared.media_api import (
    PROCESSING_SECONDS,
    WRITER_SECONDS,
    FinishedRequest,
    Job,
    KeepAnswer,
    State,
    UploadAnswer,
)

_LOOK = Query(
    "look_at_upload",
    """
SELECT state, size, expires_at <= now() AS is_over, extract(epoch FROM expires_at)::float8 AS until, message_seq,
       writer_until > now() AS is_written
FROM attachments WHERE id = $1 AND owner_id = $2
""",
)
_BEGIN = Query(
    "begin_writing",
    f"""
UPDATE attachments SET writer = $3, writer_until = now() + interval '{WRITER_SECONDS} seconds'
WHERE id = $1 AND owner_id = $2 AND state = 'waiting' AND expires_at > now()
    AND (writer IS NULL OR writer_until <= now())
RETURNING size, extract(epoch FROM expires_at)::float8 AS until
""",
)
_KEEP = Query(
    "keep_writing",
    f"""
UPDATE attachments SET writer_until = now() + interval '{WRITER_SECONDS} seconds',
    expires_at = now() + interval '24 hours'
WHERE id = $1 AND writer = $2 AND state = 'waiting' RETURNING 1
""",
)
_END = Query(
    "end_writing",
    f"""
UPDATE attachments SET expires_at = now() + interval '24 hours',
    state = CASE WHEN $3 THEN 'processing' ELSE state END,
    writer = CASE WHEN $3 THEN writer END,
    writer_until = CASE WHEN $3 THEN now() + interval '{PROCESSING_SECONDS} seconds' END
WHERE id = $1 AND writer = $2 AND state = 'waiting'
RETURNING id, kind, content_type, size, is_encrypted, writer
""",
)
_CLAIM = Query(
    "claim_processing",
    f"""
WITH due AS (
    SELECT id FROM attachments WHERE state = 'processing' AND writer_until <= now()
    ORDER BY writer_until LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE attachments a SET writer = $1, writer_until = now() + interval '{PROCESSING_SECONDS} seconds'
FROM due WHERE a.id = due.id RETURNING a.id, a.kind, a.content_type, a.size, a.is_encrypted, a.writer
""",
)
_READY = Query(
    "attachment_ready",
    f"""
UPDATE attachments SET state = 'ready', content_type = $3, stored_size = $4, sha256 = $5, width = coalesce($6, width),
    height = coalesce($7, height), thumbhash = coalesce($8, thumbhash), has_thumb = has_thumb OR $9,
    writer = NULL, writer_until = NULL, expires_at = now() + interval '24 hours'
WHERE id = $1 AND writer = $2 AND state = 'processing' RETURNING owner_id, {COLUMNS}
""",
)
_REJECTED = Query(
    "attachment_rejected",
    f"""
WITH rejected AS (
    UPDATE attachments SET state = 'rejected', reason = $3, writer = NULL, writer_until = NULL,
        expires_at = now() + interval '24 hours'
    WHERE id = $1 AND writer = $2 AND state = 'processing' RETURNING *
), back AS (
    {GIVE_BACK.format(gone="rejected")}
), due AS (
    UPDATE blobs b SET due_at = now() FROM rejected WHERE b.id = rejected.blob
)
SELECT owner_id, {COLUMNS} FROM rejected
""",
)
_DROP = Query(
    "drop_upload",
    f"""
WITH locked AS (
    SELECT id FROM attachments WHERE id = $1 AND owner_id = $2 AND message_seq IS NULL FOR UPDATE
), gone AS (
    DELETE FROM attachments a USING locked WHERE a.id = locked.id RETURNING a.*
), counted AS (
    SELECT * FROM gone WHERE state NOT IN ('rejected', 'expired')
), released AS (
    DELETE FROM attachment_holds h USING gone WHERE h.attachment_id = gone.id
), due AS (
    UPDATE blobs b SET due_at = now() FROM gone WHERE b.id = gone.blob
), back AS (
    {GIVE_BACK.format(gone="counted")}
)
SELECT id FROM gone
""",
)


class Settled(NamedTuple):
    """What is told to the owner's devices."""

    owner_id: str
    upload: Upload


async def look(database: Database, attachment_id: str, user_id: str) -> UploadAnswer:
    """Whether it may be written to, and if not, why."""
    row = await _LOOK.row(database, attachment_id, user_id)
    return UploadAnswer(State.MISSING) if row is None else UploadAnswer(_state(row), row["size"], row["until"])


async def begin(database: Database, attachment_id: str, user_id: str, writer: str) -> UploadAnswer:
    """This writer has the upload for WRITER_SECONDS; `look` tells why not. Of two at once one gets it."""
    row = await _BEGIN.row(database, attachment_id, user_id, writer)
    if row is not None:
        return UploadAnswer(State.OPEN, row["size"], row["until"])
    found = await look(database, attachment_id, user_id)
    # Nobody writes any more, but somebody did a moment ago: their client tries again.
    return UploadAnswer(State.BUSY, found.size, found.expires_at) if found.state is State.OPEN else found


async def keep(database: Database, attachment_id: str, writer: str) -> KeepAnswer:
    return KeepAnswer(await _KEEP.row(database, attachment_id, writer) is not None)


async def end(database: Database, attachment_id: str, writer: str, *, complete: bool) -> KeepAnswer:
    """The writer is done; with all of it the upload goes to be looked at, first by this same process."""
    row = await _END.row(database, attachment_id, writer, complete)
    return KeepAnswer(row is not None, _job(row) if row is not None and complete else None)


async def claim(database: Database, writer: str, limit: int) -> list[Job]:
    return [_job(row) for row in await _CLAIM.rows(database, writer, limit)]


async def finished(pool: Pool, told: FinishedRequest) -> Settled | None:
    """None where the upload is gone, or somebody else looks at it now."""
    async with transaction(pool) as connection:
        row = await _settle(connection, told)
    return None if row is None else Settled(row["owner_id"], upload_of(row))


async def drop(database: Database, attachment_id: str, user_id: str) -> UploadAnswer:
    """Takes an upload back, also one that is ready and that no message holds."""
    if await _DROP.row(database, attachment_id, user_id) is not None:
        return UploadAnswer(State.OPEN)
    return await look(database, attachment_id, user_id)


async def _settle(connection: Connection, told: FinishedRequest) -> Row | None:
    if told.reason is not None:
        return await _REJECTED.row(connection, told.attachment_id, told.writer, told.reason)
    return await _READY.row(
        connection,
        told.attachment_id,
        told.writer,
        told.content_type,
        told.size,
        told.sha256,
        told.width,
        told.height,
        told.thumbhash,
        told.has_thumb,
    )


def _state(row: Row) -> State:
    if row["state"] == "expired" or (row["state"] == "waiting" and row["is_over"]):
        return State.EXPIRED
    if row["state"] != "waiting":
        return State.DONE
    return State.BUSY if row["is_written"] else State.OPEN


def _job(row: Row) -> Job:
    return Job(row["id"], row["writer"], row["kind"], row["content_type"], row["size"], encrypted=row["is_encrypted"])
