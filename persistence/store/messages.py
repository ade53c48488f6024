"""Sending messages, each once and in one order."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from persistence.store.database import Database, Query, Row
from persistence.store.message_rows import COLUMNS, REACH, with_status
from persistence.store.views import (
    Draft,
    Message,
    NoSuchReply,
    NotAMember,
    Outcome,
    Repeated,
    Sent,
)
from shared.clock import iso

# One statement, one round trip, for all that wait to be sent into one conversation.
#
# Senders' rows are locked first and in one order, then the conversation: receipts lock participants in that order too
# and never the conversation, so nobody waits in a circle. The lock of the conversation orders all senders; what the
# UPDATE of it computes is computed anew on the row it then holds, the clock too: so numbers and times go up together.
# Messages never go back in time, whatever a clock does; the conversation's place in the list, and the age of what waits
# in the outbox, are by the clock of now: one that was ahead for a while holds up neither.
# Two with the same client id at once both find no prior one; the second breaks messages_sent_once, which takes back its
# whole statement, the counter too: no seq is ever burnt.
_SEND = """
WITH draft AS (
    SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::boolean[])
    WITH ORDINALITY AS d(id, sender_id, text, client_id, reply_to, media_url, opaque, place)
), sender AS (
    SELECT p.user_id FROM participants p
    WHERE p.conversation_id = $1 AND p.user_id = ANY ($3::uuid[]) AND p.left_at IS NULL
    ORDER BY p.user_id FOR NO KEY UPDATE
), judged AS (
    SELECT d.*, s.user_id IS NOT NULL AS is_member,
           -- No EXISTS: Postgres may answer that by hashing all messages of the conversation.
           d.reply_to IS NULL OR (
               SELECT true FROM messages m WHERE m.id = d.reply_to AND m.conversation_id = $1
           ) IS NOT NULL AS reply_exists,
           (SELECT m.seq FROM messages m
            WHERE m.conversation_id = $1 AND m.sender_id = d.sender_id AND m.client_id = d.client_id) AS prior_seq
    FROM draft d LEFT JOIN sender s ON s.user_id = d.sender_id
), fresh AS (
    SELECT *, row_number() OVER (ORDER BY place) AS nth FROM judged
    WHERE is_member AND reply_exists AND prior_seq IS NULL
), counted AS (
    SELECT count(*) AS n FROM fresh
), head AS (
    UPDATE conversations c
    SET last_seq = c.last_seq + counted.n,
        last_ordinal = c.last_ordinal + counted.n,
        updated_at = date_trunc('milliseconds', clock_timestamp()),
        latest_at = greatest(c.latest_at, c.updated_at, date_trunc('milliseconds', clock_timestamp()))
    FROM counted WHERE c.id = $1 AND counted.n > 0
    RETURNING c.last_seq - counted.n AS seq, c.last_ordinal - counted.n AS ordinal, c.latest_at AS at,
        c.updated_at AS clock
), sent AS (
    INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at,
                          id, sender_id, reply_to, text, client_id, media_url, opaque)
    SELECT $1, head.seq + nth, head.ordinal + nth, head.at, head.at,
           id, sender_id, reply_to, text, client_id, media_url, opaque
    FROM fresh, head
    RETURNING id, seq, ordinal, sender_id, created_at
), logged AS (
    {outbox}
), moved AS (
    UPDATE participants p
    SET delivered_seq = last.seq, attended_seq = last.seq, read_seq = last.seq, read_ordinal = last.ordinal,
        moved_xid = pg_current_xact_id()
    FROM (SELECT sender_id, max(seq) AS seq, max(ordinal) AS ordinal FROM sent GROUP BY sender_id) AS last
    WHERE p.conversation_id = $1 AND p.user_id = last.sender_id
)
SELECT j.is_member, j.reply_exists, j.prior_seq, sent.seq, sent.created_at, u.handle
FROM judged j LEFT JOIN sent ON sent.id = j.id LEFT JOIN users u ON u.id = j.sender_id
ORDER BY j.place
"""

SEND = Query(
    "send",
    _SEND.format(
        outbox="INSERT INTO outbox (conversation_id, seq, created_at) SELECT $1, sent.seq, head.clock FROM sent, head"
    ),
)

# Apart, for those few batches in which something is traced: the others do not pay for it.
_SEND_TRACED = Query(
    "send_traced",
    _SEND.format(
        outbox="INSERT INTO outbox (conversation_id, seq, created_at, span) SELECT $1, sent.seq, head.clock, span"
        " FROM head, sent JOIN unnest($2::uuid[], $9::bytea[]) AS traced(id, span) USING (id)"
    ),
)

_PRIOR = Query(
    "prior_messages",
    f"""
SELECT {COLUMNS}, c.last_seq AS head, reach.*
FROM messages m JOIN conversations c ON c.id = m.conversation_id
LEFT JOIN users u ON u.id = m.sender_id CROSS JOIN ({REACH}) AS reach
WHERE m.conversation_id = $1 AND m.seq = ANY ($2::bigint[])
""",
)


_TRIES = 8
"""Of a statement that meets concurrent duplicates: its next try finds that one as the prior one, or meets another."""


async def send(database: Database, conversation_id: str, drafts: Sequence[Draft]) -> list[Outcome]:
    """Commits what may be sent, in this order, and answers each draft alone.

    seq grows by one a message, without gaps, and created_at never falls within a conversation. The senders' own cursors
    move along. Raises DATABASE_FAILURES; then it is unknown whether anything was committed: the same call with the same
    client ids again is safe.
    """
    first, position = _without_doubles(drafts)
    answers = await _send(database, conversation_id, first)
    priors = await _prior_messages(database, conversation_id, answers)
    outcomes = [_outcome(conversation_id, draft, row, priors) for draft, row in zip(first, answers, strict=True)]
    return [
        outcomes[place] if first[place] is draft else _repeated(outcomes[place])
        for draft, place in zip(drafts, position, strict=True)
    ]


def _without_doubles(drafts: Sequence[Draft]) -> tuple[list[Draft], list[int]]:
    """The drafts with those left out that repeat a client id of an earlier one, and where each one's answer stands."""
    first: list[Draft] = []
    position: list[int] = []
    known: dict[tuple[str, str], int] = {}
    for draft in drafts:
        place = len(first)
        if draft.client_id is not None:
            place = known.setdefault((draft.sender_id, draft.client_id), place)
        if place == len(first):
            first.append(draft)
        position.append(place)
    return first, position


async def _send(database: Database, conversation_id: str, drafts: Sequence[Draft]) -> list[Row]:
    fields = ("id", "sender_id", "text", "client_id", "reply_to", "media_url", "opaque")
    arguments: list[list[Any]] = [[getattr(draft, field) for draft in drafts] for field in fields]
    query, spans = SEND, [draft.span for draft in drafts]
    if any(spans):
        query = _SEND_TRACED
        arguments.append(spans)
    for _ in range(_TRIES - 1):
        try:
            return await query.rows(database, conversation_id, *arguments)
        except asyncpg.UniqueViolationError as error:
            # A partition of messages has the constraint under a name of its own.
            if not (error.constraint_name or "").endswith("_sent_once"):
                raise
    return await query.rows(database, conversation_id, *arguments)


async def _prior_messages(database: Database, conversation_id: str, answers: Sequence[Row]) -> dict[int, Repeated]:
    seqs = [row["prior_seq"] for row in answers if row["prior_seq"] is not None]
    if not seqs:
        return {}
    return {
        row["seq"]: Repeated(with_status(row), row["head"])
        for row in await _PRIOR.rows(database, conversation_id, seqs)
    }


def _outcome(conversation_id: str, draft: Draft, row: Row, priors: Mapping[int, Repeated]) -> Outcome:
    if not row["is_member"]:
        return NotAMember()
    if row["prior_seq"] is not None:
        return priors[row["prior_seq"]]
    if not row["reply_exists"]:
        return NoSuchReply()
    created_at = iso(row["created_at"])
    return Sent(
        Message(
            id=draft.id,
            conversation_id=conversation_id,
            seq=row["seq"],
            sender_id=draft.sender_id,
            sender_handle=row["handle"],
            text=draft.text,
            created_at=created_at,
            updated_at=created_at,
            client_id=draft.client_id,
            reply_to=draft.reply_to,
            media_url=draft.media_url,
            opaque=draft.opaque,
        )
    )


def _repeated(outcome: Outcome) -> Outcome:
    return Repeated(outcome.message, outcome.as_of_seq) if isinstance(outcome, Sent) else outcome
