"""Sending what only the app's own server may send: a message of nobody's, or one that no phone is pushed for.

Apart from the statement of users' sends, which does not pay for either.
"""

from typing import Any, NamedTuple

import asyncpg
import msgspec

from persistence.database.pool import Database, Query
from persistence.members.views import NotAMember
from persistence.messages.send import Prior, repeated
from persistence.messages.views import Draft, Message, NoSuchConversation, NoSuchReply, Sent
from persistence.messages.views import Outcome as SendOutcome
from shared.clock import iso, iso_or_none

# Locks as a send does: the sender's row, then the conversation's, whose lock orders all who write into it. A sender who
# is nobody in there has no row, and no cursors to move.
_POST = Query(
    "server_post",
    """
WITH room AS (
    SELECT id FROM conversations WHERE id = $1
), sender AS (
    SELECT p.user_id, NOT p.barred AS may FROM participants p
    WHERE p.conversation_id = $1 AND p.user_id = $3 AND p.left_at IS NULL FOR NO KEY UPDATE
), judged AS (
    SELECT EXISTS (SELECT FROM room) AS is_there, $10::boolean OR EXISTS (SELECT FROM sender WHERE sender.may) AS may,
           $6::uuid IS NULL OR (
               SELECT true FROM messages m WHERE m.id = $6 AND m.conversation_id = $1) IS NOT NULL AS reply_exists,
           (SELECT m.seq FROM messages m
            WHERE m.conversation_id = $1 AND m.sender_id = $3 AND m.client_id = $5) AS prior_seq
), head AS (
    UPDATE conversations c
    SET last_seq = c.last_seq + 1,
        last_ordinal = c.last_ordinal + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp()),
        latest_at = greatest(c.latest_at, c.updated_at, date_trunc('milliseconds', clock_timestamp()))
    FROM judged WHERE c.id = $1 AND judged.is_there AND judged.may AND judged.reply_exists AND judged.prior_seq IS NULL
    RETURNING c.last_seq AS seq, c.last_ordinal AS ordinal, c.latest_at AS at, c.updated_at AS clock
), sent AS (
    INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text, client_id,
                          reply_to, media_url, opaque, data, silent, expires_at)
    SELECT $1::uuid, seq, ordinal, at, at, $2::uuid, $3::uuid, $4::text, $5::text, $6::uuid, $7::text, false, $8::text,
           $9::boolean, at + make_interval(secs => (SELECT g.expire_seconds FROM groups g WHERE g.conversation_id = $1))
    FROM head
    RETURNING seq, ordinal, created_at, expires_at
), logged AS (
    INSERT INTO outbox (conversation_id, seq, created_at) SELECT $1::uuid, sent.seq, head.clock FROM sent, head
), moved AS (
    UPDATE participants p
    SET delivered_seq = sent.seq, attended_seq = sent.seq, read_seq = sent.seq, read_ordinal = sent.ordinal,
        moved_xid = pg_current_xact_id()
    FROM sent WHERE p.conversation_id = $1 AND p.user_id = $3 AND p.left_at IS NULL AND NOT $10
)
SELECT judged.*, sent.seq, sent.created_at, sent.expires_at, (SELECT handle FROM users WHERE id = $3) AS handle
FROM judged LEFT JOIN sent ON true
""",
)

_TRIES = 8
"""Of a statement that meets concurrent duplicates."""


class Post(NamedTuple):
    """`by_nobody`: its sender need not be in the conversation. `silent`: no phone is pushed for it."""

    draft: Draft
    by_nobody: bool
    silent: bool


Outcome = SendOutcome | NoSuchConversation


async def post(database: Database, conversation_id: str, given: Post) -> Outcome:
    """Commits the message, or gives the one that was sent with its client id. Raises DATABASE_FAILURES, after which the
    same call is safe."""
    draft = given.draft
    fields = (draft.id, draft.sender_id, draft.text, draft.client_id, draft.reply_to, draft.media_url, draft.data)
    row = await _row(database, conversation_id, *fields, given.silent or None, given.by_nobody)
    if not row["is_there"]:
        return NoSuchConversation()
    if not row["may"]:
        return NotAMember()
    if row["prior_seq"] is not None:
        [known] = await repeated(database, [Prior(conversation_id, row["prior_seq"])])
        return known
    if not row["reply_exists"]:
        return NoSuchReply()
    if row["seq"] is None:  # purged between the judgement and its lock
        return NoSuchConversation()
    return Sent(_message(conversation_id, draft, row))


async def _row(database: Database, *arguments: Any) -> asyncpg.Record:
    """Again where a concurrent duplicate took the statement back, seq and all."""
    for attempt in range(_TRIES):
        try:
            row = await _POST.row(database, *arguments)
            assert row is not None, "judged is one row"
            return row
        except asyncpg.UniqueViolationError as error:
            if not (error.constraint_name or "").endswith("_sent_once") or attempt + 1 == _TRIES:
                raise
    raise AssertionError("the loop returns or raises")


def _message(conversation_id: str, draft: Draft, row: asyncpg.Record) -> Message:
    at = iso(row["created_at"])
    return Message(
        id=draft.id,
        conversation_id=conversation_id,
        seq=row["seq"],
        sender_id=draft.sender_id,
        sender_handle=row["handle"],
        text=draft.text,
        created_at=at,
        updated_at=at,
        client_id=draft.client_id,
        reply_to=draft.reply_to,
        media_url=draft.media_url,
        rev=row["seq"],
        data=None if draft.data is None else msgspec.Raw(draft.data),
        expires_at=iso_or_none(row["expires_at"]),
    )
