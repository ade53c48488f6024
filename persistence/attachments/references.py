"""What keeps a file: messages, and whoever else holds one; and how that ends.

Bytes have no counter of references, which could drift: a blob is kept while any row of `attachments` names it. Who ends
a reference deletes the row and says in the same transaction from when on the collector may look.
"""

from collections.abc import Sequence
from enum import StrEnum

from persistence.attachments.views import HELD, NoSuchFiles, Taken, attachment_of
from persistence.database.pool import Connection, Query, columns
from shared.ids import new_id


class Holder(StrEnum):
    """What holds a file beside a message."""

    USER_AVATAR = "user_avatar"
    CONVERSATION_AVATAR = "conversation_avatar"
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    HELD = "held"


# The rows are locked by id, and judged as they are once they are locked.
_TAKE = Query(
    "take_attachments",
    f"""
SELECT {HELD} FROM attachments
WHERE id = ANY ($3::uuid[]) AND conversation_id = $1 AND owner_id = $2 AND state = 'ready' AND message_seq IS NULL
ORDER BY id FOR NO KEY UPDATE
""",
)

_LINK = Query(
    "link_attachments",
    """
WITH linked AS (
    UPDATE attachments SET message_seq = $2 WHERE id = ANY ($3::uuid[])
), released AS (
    DELETE FROM attachment_holds WHERE attachment_id = ANY ($3::uuid[])
)
UPDATE messages SET attachments = $4, placeholder = $5 WHERE conversation_id = $1 AND seq = $2
""",
)

_ENDED = """
WITH locked AS (
    SELECT id FROM attachments WHERE {some} ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM attachments a USING locked WHERE a.id = locked.id RETURNING a.id, a.blob, a.poster
), released AS (
    DELETE FROM attachment_holds h USING gone WHERE h.attachment_id = gone.id
), due AS (
    SELECT b.id FROM blobs b WHERE b.id IN (SELECT blob FROM gone UNION SELECT poster FROM gone)
    ORDER BY b.id FOR NO KEY UPDATE
)
UPDATE blobs b SET due_at = now() FROM due WHERE b.id = due.id
"""


def _ended(name: str, some: str) -> Query:
    return Query(name, _ENDED.format(some=some))


_DROP = _ended("drop_attachments", "conversation_id = $1 AND message_seq = ANY ($2::bigint[])")
_DROP_OF_MANY = _ended(
    "drop_attachments_of_many",
    "(conversation_id, message_seq) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))",
)
_DROP_OTHERS = _ended(
    "drop_other_attachments", "conversation_id = $1 AND message_seq = $2 AND NOT id = ANY ($3::uuid[])"
)
PURGE = _ended(
    "purge_attachments",
    "conversation_id = $1"
    " OR id IN (SELECT attachment_id FROM attachment_holds WHERE holder = 'conversation_avatar' AND holder_id = $1)",
)
_ERASE_UNUSED = _ended("erase_attachments_of_user", "owner_id = $1 AND message_seq IS NULL")

# The bytes are shared: the new rows name the same blob. The source's rows are locked first, so that a deletion of it
# comes before all of this, or after.
_COPY = Query(
    "copy_attachments",
    f"""
WITH source AS (
    SELECT * FROM attachments WHERE conversation_id = $1 AND message_seq = $2 ORDER BY id FOR KEY SHARE
)
INSERT INTO attachments (id, blob, conversation_id, owner_id, client_id, state, kind, name, content_type, size,
    stored_size, width, height, duration_ms, waveform, thumbhash, is_encrypted, poster, has_thumb, sha256,
    created_at, expires_at)
SELECT w.new, s.blob, $3, $4, 'forward:' || w.new, s.state, s.kind, s.name, s.content_type, s.size, s.stored_size,
    s.width, s.height, s.duration_ms, s.waveform, s.thumbhash, s.is_encrypted, s.poster, s.has_thumb, s.sha256,
    now(), now() + interval '24 hours'
FROM unnest($5::uuid[], $6::uuid[]) AS w(old, new) JOIN source s ON s.id = w.old
RETURNING {HELD}
""",
)

_HOLD = Query(
    "hold_attachments",
    """
WITH mine AS (
    SELECT id FROM attachments
    WHERE id = ANY ($1::uuid[]) AND owner_id = $2 AND state = 'ready' AND message_seq IS NULL AND kind = ANY ($5)
        AND conversation_id IS NOT DISTINCT FROM $6
    ORDER BY id FOR NO KEY UPDATE
), held AS (
    INSERT INTO attachment_holds (attachment_id, holder, holder_id) SELECT id, $3, $4 FROM mine ON CONFLICT DO NOTHING
)
SELECT count(*) AS n FROM mine
""",
)
_RELEASE = Query(
    "release_attachments",
    """
WITH due AS (
    SELECT a.id FROM attachments a JOIN attachment_holds h ON h.attachment_id = a.id
    WHERE h.holder = $1 AND h.holder_id = $2 AND NOT a.id = ANY ($3::uuid[]) ORDER BY a.id FOR NO KEY UPDATE OF a
), released AS (
    DELETE FROM attachment_holds h USING due WHERE h.attachment_id = due.id AND h.holder = $1 AND h.holder_id = $2
)
UPDATE attachments a SET expires_at = now() + interval '24 hours' FROM due WHERE a.id = due.id
""",
)
_FILES = ("image", "video", "voice", "file")
_PICTURES = ("avatar",)


async def take(connection: Connection, conversation_id: str, user_id: str, ids: Sequence[str]) -> Taken | NoSuchFiles:
    """Locks these files for a message that their owner sends or edits. To be called after the participant's row and the
    message's are locked, and before anything takes the conversation's lock."""
    rows = await _TAKE.rows(connection, conversation_id, user_id, list(ids))
    found = {row["id"]: attachment_of(row) for row in rows}
    return Taken([found[one] for one in ids]) if len(found) == len(ids) else NoSuchFiles()


async def link(connection: Connection, conversation_id: str, seq: int, files: Taken, *, placeholder: bool) -> None:
    """From the commit on this message holds the files, and its row shows them."""
    ids = [one.id for one in files.files]
    await _LINK.rows(connection, conversation_id, seq, ids, files.encoded(), placeholder or None)


async def drop(connection: Connection, conversation_id: str, seqs: Sequence[int]) -> None:
    """These messages hold no files any more: for deletion, expiry and erasure, in their transaction, after the
    messages' rows are locked. What nothing else holds is gone within a minute."""
    await _DROP.rows(connection, conversation_id, list(seqs))


async def drop_of_many(connection: Connection, messages: Sequence[tuple[str, int]]) -> None:
    """The same for messages (conversation, seq) of several conversations: in one statement, so that blobs are locked in
    one order."""
    await _DROP_OF_MANY.rows(connection, *columns(messages, 2))


async def drop_others(connection: Connection, conversation_id: str, seq: int, kept: Sequence[str]) -> None:
    """The message holds these files alone."""
    await _DROP_OTHERS.rows(connection, conversation_id, seq, list(kept))


async def erase_unused(connection: Connection, user_id: str) -> None:
    """All of a user's files that no message holds, the avatar too: for the erasure of the user."""
    await _ERASE_UNUSED.rows(connection, user_id)


async def copy(
    connection: Connection, source: tuple[str, int], conversation_id: str, user_id: str, ids: Sequence[str]
) -> Taken:
    """Files of the message `source` (its conversation and seq), for a message that this user forwards into the
    conversation: ready, unused, and to be linked in the same transaction. `ids` are the source's, as its row shows
    them; the caller has judged that the user sees it. Empty where the source was deleted meanwhile."""
    copies = {one: new_id() for one in ids}
    rows = await _COPY.rows(connection, *source, conversation_id, user_id, list(copies), list(copies.values()))
    found = {row["id"]: attachment_of(row) for row in rows}
    return Taken([found[new] for new in copies.values() if new in found])


async def hold(
    connection: Connection,
    user_id: str,
    ids: Sequence[str],
    holder: Holder,
    holder_id: str,
    conversation_id: str | None,
) -> bool:
    """Keeps the user's own files beyond the day of an unused one: `conversation_id` is the one that they were made for,
    None for an avatar. False where one of them is not there to be held: the caller refuses, and rolls back."""
    is_avatar = holder in (Holder.USER_AVATAR, Holder.CONVERSATION_AVATAR)
    kinds = list(_PICTURES if is_avatar else _FILES)
    row = await _HOLD.row(connection, list(ids), user_id, holder, holder_id, kinds, conversation_id)
    return row is not None and row["n"] == len(set(ids))


async def release(connection: Connection, holder: Holder, holder_id: str, kept: Sequence[str] = ()) -> None:
    """Ends what this holder holds, but for `kept`: such files are unused ones again, and go after a day."""
    await _RELEASE.rows(connection, holder, holder_id, list(kept))
