"""What time ends: uploads that were never finished, files that nobody used, and bytes that nothing refers to."""

from collections.abc import Sequence

from prometheus_client import Gauge

from persistence.attachments.announcing import GIVE_BACK
from persistence.database.pool import Pool, Query, transaction

BATCH = 500
MOST_BATCHES = 100

DUE = Gauge("parley_persistence_blobs_due", "Files whose bytes the collector has not yet taken.")
DUE_AGE = Gauge("parley_persistence_blobs_due_age_seconds", "For how long the oldest of them waits for it.")

# An expired one stays for a while: its client is told so. Of what nobody used everything goes.
_EXPIRE = Query(
    "expire_attachments",
    f"""
WITH due AS (
    SELECT id FROM attachments a WHERE message_seq IS NULL AND expires_at <= now()
        AND (writer_until IS NULL OR writer_until <= now()) AND state <> 'processing'
        AND NOT EXISTS (SELECT FROM attachment_holds h WHERE h.attachment_id = a.id)
    ORDER BY expires_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
), unfinished AS (
    UPDATE attachments a SET state = 'expired', expires_at = now() + interval '7 days'
    FROM due WHERE a.id = due.id AND a.state = 'waiting' RETURNING a.*
), gone AS (
    DELETE FROM attachments a USING due WHERE a.id = due.id AND a.state <> 'waiting'
    RETURNING a.id, a.blob, a.poster
), ended AS (
    SELECT blob FROM unfinished UNION SELECT blob FROM gone UNION SELECT poster FROM gone
), marked AS (
    SELECT b.id FROM blobs b WHERE b.id IN (SELECT blob FROM ended) ORDER BY b.id FOR NO KEY UPDATE
), collectable AS (
    UPDATE blobs b SET due_at = now() FROM marked WHERE b.id = marked.id
), back AS (
    {GIVE_BACK.format(gone="unfinished")}
)
SELECT count(*) AS n FROM due
""",
)
_FORGET_DAYS = Query(
    "forget_attachment_days", "DELETE FROM attachment_days WHERE day < (now() AT TIME ZONE 'UTC')::date - 2"
)

# Race: a reference may end while this looks. It then waits for the row that is locked here, and says due again after.
_LOCK_DUE = Query(
    "lock_due_blobs",
    "SELECT id FROM blobs WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED",
)
_REFERRED = Query(
    "keep_referred_blobs",
    """
UPDATE blobs b SET due_at = NULL WHERE b.id = ANY ($1::uuid[]) AND EXISTS (
    SELECT FROM attachments a WHERE a.blob = b.id AND a.state NOT IN ('rejected', 'expired')
    UNION ALL SELECT FROM attachments a WHERE a.poster = b.id)
RETURNING b.id
""",
)
_WITH_PARTS = Query(
    "uploads_that_are_over",
    """
SELECT b.id FROM blobs b JOIN attachments a ON a.id = b.id AND a.state IN ('ready', 'rejected')
WHERE b.has_parts AND b.touched_at < now() - interval '1 minute' ORDER BY b.touched_at LIMIT $1
""",
)
_COLLECTED = Query("forget_blobs", "DELETE FROM blobs WHERE id = ANY ($1::uuid[])")
_WITHOUT_PARTS = Query("note_no_parts", "UPDATE blobs SET has_parts = false WHERE id = ANY ($1::uuid[])")
_SAMPLE = Query(
    "sample_blobs",
    "SELECT count(*) AS n, coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 AS age"
    " FROM blobs WHERE due_at <= now()",
)

# Where another line of history was seen before, this one was restored: what its rows say nobody refers to may be what
# the lost ones referred to.
_NOTE_EPOCH = Query(
    "note_blob_epoch",
    "INSERT INTO blob_epochs (epoch, first_seen) SELECT epoch::text, now() FROM meta ON CONFLICT DO NOTHING",
)
_WAITS = Query(
    "collector_waits",
    """
SELECT FROM meta JOIN blob_epochs own ON own.epoch = meta.epoch::text
WHERE own.first_seen > now() - $1::float8 * interval '1 day'
    AND EXISTS (SELECT FROM blob_epochs other WHERE other.epoch <> own.epoch)
""",
)


class Collector:
    """Says what may go; media, which holds the bytes, takes it away and says so."""

    def __init__(self, pool: Pool, *, grace_days: float) -> None:
        self._pool = pool
        self._grace_days = grace_days

    async def expire(self) -> None:
        """To be called every half minute or so, by any number of processes."""
        for _ in range(MOST_BATCHES):
            row = await _EXPIRE.row(self._pool)
            if row is None or row["n"] < BATCH:
                break
        await _FORGET_DAYS.rows(self._pool)

    async def garbage(self, limit: int) -> tuple[list[str], list[str]]:
        """Blobs that nothing refers to, and uploads that are over: as many of each. What is not said to be collected
        is given again."""
        await _NOTE_EPOCH.rows(self._pool)
        if await _WAITS.row(self._pool, self._grace_days) is not None:
            return [], []
        async with transaction(self._pool) as connection:
            due = [row["id"] for row in await _LOCK_DUE.rows(connection, limit)]
            kept = {row["id"] for row in await _REFERRED.rows(connection, due)} if due else set()
        parts = [row["id"] for row in await _WITH_PARTS.rows(self._pool, limit)]
        return [one for one in due if one not in kept], parts

    async def collected(self, blobs: Sequence[str], parts: Sequence[str]) -> None:
        await _COLLECTED.rows(self._pool, list(blobs))
        await _WITHOUT_PARTS.rows(self._pool, list(parts))

    async def sample(self) -> None:
        """For the metrics."""
        row = await _SAMPLE.row(self._pool)
        assert row is not None, "a count has a row"
        DUE.set(row["n"])
        DUE_AGE.set(row["age"])
