"""Sending messages, each once and in one order."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import asyncpg
import msgspec

from persistence.database.pool import Database, Query, Row
from persistence.database.pool import columns as columns_of
from persistence.log.state import extra_of
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.messages.rows import REACH, columns, with_status
from persistence.messages.send_statement import (
    SEND,
    SEND_CARRYING,
    SEND_CARRYING_TRACED,
    SEND_MANY,
    SEND_MANY_TRACED,
    SEND_TRACED,
)
from persistence.messages.views import (
    Draft,
    Message,
    NoSuchReply,
    NoSuchSource,
    NotForAll,
    Outcome,
    ReadsOnly,
    Repeated,
    Sent,
    Slow,
    SourceDeleted,
    SourceHasFiles,
)
from shared.clock import iso, iso_or_none

_PRIOR = Query(
    "prior_messages",
    f"""
SELECT {columns("m.sender_id")}, c.last_seq AS head, reach.*
FROM unnest($1::uuid[], $2::bigint[]) AS w(conversation_id, seq)
JOIN messages m ON m.conversation_id = w.conversation_id AND m.seq = w.seq
JOIN conversations c ON c.id = m.conversation_id LEFT JOIN users u ON u.id = m.sender_id
CROSS JOIN LATERAL ({REACH.format(conversation="m.conversation_id", viewer="m.sender_id")}) AS reach
""",
)


_TRIES = 8
"""Of a statement that meets concurrent duplicates: its next try finds that one as the prior one, or meets another."""

_FIELDS = ("id", "sender_id", "text", "client_id", "reply_to", "media_url", "opaque", "data")

_encode = msgspec.json.Encoder().encode

Addressed: TypeAlias = tuple[str, Draft]
"""A draft, and the conversation into which it is to go."""


class Prior(NamedTuple):
    """Where the message stands that has the draft's client id: nothing was sent. `repeated` reads it."""

    conversation_id: str
    seq: int


async def send(database: Database, conversation_id: str, drafts: Sequence[Draft]) -> list[Outcome]:
    """`send_joined` into one conversation, with the messages that were there before."""
    answers = await send_joined(database, [(conversation_id, draft) for draft in drafts])
    known = iter(await repeated(database, [answer for answer in answers if isinstance(answer, Prior)]))
    return [next(known) if isinstance(answer, Prior) else answer for answer in answers]


async def send_joined(database: Database, drafts: Sequence[Addressed]) -> list[Outcome | Prior]:
    """Commits what may be sent, in one statement and in this order, and answers each draft alone.

    No two of them have one conversation, sender and client id: neither would find the other. seq grows by one a
    message, without gaps, and created_at never falls within a conversation. The senders' own cursors move along.
    Raises DATABASE_FAILURES; then it is unknown whether anything was committed: the same call with the same client ids
    again is safe. Any other error of Postgres means that nothing was.
    """
    rows = await _rows(database, drafts)
    return [_answer(conversation_id, draft, row) for (conversation_id, draft), row in zip(drafts, rows, strict=True)]


async def repeated(database: Database, priors: Sequence[Prior]) -> list[Repeated | NotAMember]:
    """The messages that stand there, in this order; for one that was purged meanwhile, that nobody is in there."""
    if not priors:
        return []
    rows = await _PRIOR.rows(database, *columns_of(priors, 2))
    found = {(row["conversation_id"], row["seq"]): Repeated(with_status(row), row["head"]) for row in rows}
    return [found.get(prior, NotAMember()) for prior in priors]


async def _rows(database: Database, drafts: Sequence[Addressed]) -> list[Row]:
    """Again where a concurrent duplicate took the statement back."""
    query, arguments = _statement(drafts)
    for _ in range(_TRIES - 1):
        try:
            return await query.rows(database, *arguments)
        except asyncpg.UniqueViolationError as error:
            # A partition of messages has the constraint under a name of its own.
            if not (error.constraint_name or "").endswith("_sent_once"):
                raise
    return await query.rows(database, *arguments)


def _statement(drafts: Sequence[Addressed]) -> tuple[Query, list[Any]]:
    if any(draft.carried is not None for _, draft in drafts):
        return _carrying(drafts)
    conversations = [conversation_id for conversation_id, _ in drafts]
    is_one = conversations.count(conversations[0]) == len(conversations)
    arguments: list[Any] = [conversations[0] if is_one else conversations]
    arguments += [[getattr(draft, field) for _, draft in drafts] for field in _FIELDS]
    spans = [draft.span for _, draft in drafts]
    if not any(spans):
        return SEND if is_one else SEND_MANY, arguments
    return SEND_TRACED if is_one else SEND_MANY_TRACED, [*arguments, spans]


def _carrying(drafts: Sequence[Addressed]) -> tuple[Query, list[Any]]:
    carried = [draft.carried and _encode(draft.carried).decode() for _, draft in drafts]
    arguments: list[Any] = [[conversation_id for conversation_id, _ in drafts]]
    arguments += [[getattr(draft, field) for _, draft in drafts] for field in _FIELDS]
    spans = [draft.span for _, draft in drafts]
    if not any(spans):
        return SEND_CARRYING, [*arguments, carried]
    return SEND_CARRYING_TRACED, [*arguments, spans, carried]


_NO_SOURCE: Final[Mapping[str, Outcome]] = MappingProxyType(
    {"outside": NotAMember(), "unseen": NoSuchSource(), "deleted": SourceDeleted(), "files": SourceHasFiles()}
)
"""Why there is nothing to forward."""


def _answer(conversation_id: str, draft: Draft, row: Row) -> Outcome | Prior:
    if not row["may"]:
        return Withdrew() if row["withdrew"] else NotAMember()
    if row["prior_seq"] is not None:
        return Prior(conversation_id, row["prior_seq"])
    if row["silenced_until"] is not None:
        return Muted(iso(row["silenced_until"]))
    if row["reads_only"]:
        return ReadsOnly()
    if not row["reply_exists"]:
        return NoSuchReply()
    if draft.carried:
        return _carrying_answer(conversation_id, draft, row)
    return _slowed(row) or Sent(_sent(conversation_id, draft, row))


def _slowed(row: Row) -> Slow | None:
    """Where nothing else was in the way, and nothing was sent all the same."""
    return Slow(max(1.0, float(row["wait"] or row["slow_seconds"]))) if row["seq"] is None else None


def _carrying_answer(conversation_id: str, draft: Draft, row: Row) -> Outcome:
    if row["no_source"] is not None:
        return _NO_SOURCE[row["no_source"]]
    if not row["may_mention"]:
        return NotForAll()
    slowed = _slowed(row)
    if slowed is not None:
        return slowed
    extra = extra_of(row)
    carrying = msgspec.structs.replace(
        _sent(conversation_id, draft, row),
        text=row["text"],
        media_url=row["media_url"],
        opaque=row["opaque"],
        mentions=extra.mentions or [],
        forwarded=extra.forwarded or None,
        preview=extra.preview or None,
    )
    return Sent(carrying)


def _sent(conversation_id: str, draft: Draft, row: Row) -> Message:
    created_at = iso(row["created_at"])
    return Message(
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
        rev=row["seq"],
        data=None if draft.data is None else msgspec.Raw(draft.data),
        expires_at=iso_or_none(row["expires_at"]),
    )
