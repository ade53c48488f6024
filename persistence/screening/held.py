"""Messages that wait for a moderator, and those that were sent unchecked: each has its item in the review queue."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from persistence.database.pool import Connection, Database, Pool, Query, Row, transaction
from persistence.database.view import View
from persistence.messages.views import Draft, Message
from shared.clock import iso
from shared.ids import new_id

MOST = 100
"""Messages of one person that wait."""
FLAGGED, UNCHECKED = "flagged", "unchecked"
"""Reasons that no reporter gives."""

_WAITING = Query("held_waiting", "SELECT count(*) AS n FROM held_messages WHERE sender_id = $1 AND state = 'waiting'")
_HOLD = Query(
    "hold_back",
    """
INSERT INTO held_messages (conversation_id, id, sender_id, client_id, body, base_url)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (conversation_id, sender_id, client_id) DO NOTHING RETURNING created_at
""",
)
_KNOWN = Query(
    "held_known",
    "SELECT id, created_at FROM held_messages WHERE conversation_id = $1 AND sender_id = $2 AND client_id = $3",
)
_ITEM = Query(
    "review_own_item",
    """
INSERT INTO review_items (id, kind, conversation_id, message_id, user_id, evidence, reasons, score)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
ON CONFLICT (kind, coalesce(message_id, user_id)) WHERE resolved_at IS NULL DO NOTHING
""",
)
_DECIDE = Query(
    "held_decide",
    """
UPDATE held_messages SET state = $3, reason = $4, changed_at = now(),
    body = CASE WHEN $3 = 'rejected' THEN '' ELSE body END
WHERE conversation_id = $1 AND id = $2 AND state = 'waiting' RETURNING client_id
""",
)
_DUE = Query(
    "held_due",
    """
SELECT * FROM held_messages WHERE state = 'approved' AND changed_at < now() - make_interval(secs => $1)
ORDER BY changed_at LIMIT 100
""",
)
_FORGET = Query("held_forget", "DELETE FROM held_messages WHERE conversation_id = $1 AND id = $2")
_EXPIRE = Query(
    "held_expire",
    "DELETE FROM held_messages WHERE state = 'rejected' AND changed_at < now() - make_interval(days => $1)",
)


class HeldMessage(View, frozen=True):
    """`client_id` None: the sender gave none."""

    id: str
    client_id: str | None
    created_at: str


class TooManyHeld(NamedTuple):
    """As many of the sender's messages wait as may."""


class Approved(NamedTuple):
    """To be sent. `body` is the request's JSON."""

    conversation_id: str
    id: str
    sender_id: str
    client_id: str
    body: str
    base_url: str


class _Evidence(View, frozen=True):
    id: str
    conversation_id: str
    sender_id: str
    text: str
    media_url: str | None
    created_at: str


async def hold_back(
    pool: Pool, conversation_id: str, draft: Draft, body: bytes, base_url: str, reason: str | None
) -> HeldMessage | TooManyHeld:
    """The same client id again is the same message. `body` holds nothing that its client did not send."""
    held_id = new_id()
    client_id = draft.client_id or f"held:{held_id}"
    async with transaction(pool) as connection:
        waiting = await _WAITING.row(connection, draft.sender_id)
        if waiting is not None and waiting["n"] >= MOST:
            return TooManyHeld()
        place = conversation_id, held_id, draft.sender_id, client_id
        row = await _HOLD.row(connection, *place, body.decode(), base_url)
        if row is None:
            known = await _KNOWN.row(connection, conversation_id, draft.sender_id, client_id)
            assert known is not None, "a held message is kept until a moderator decides"
            return HeldMessage(known["id"], draft.client_id, iso(known["created_at"]))
        await _note(connection, "held", _held_evidence(held_id, conversation_id, draft, row["created_at"]), reason)
    return HeldMessage(held_id, draft.client_id, iso(row["created_at"]))


async def note_sent(database: Database, message: Message, reason: str) -> None:
    """Moderators look at a message that was sent: FLAGGED or UNCHECKED."""
    evidence = _Evidence(
        message.id, message.conversation_id, message.sender_id, message.text, message.media_url, message.created_at
    )
    await _note(database, "message", evidence, reason)


async def approve(connection: Connection, conversation_id: str, held_id: str) -> bool:
    """It is sent after the commit, by `Releaser`. False where it waits no more."""
    return await _DECIDE.row(connection, conversation_id, held_id, "approved", None) is not None


async def reject(connection: Connection, conversation_id: str, held_id: str, reason: str) -> bool:
    """Its text is forgotten here; the item's evidence keeps it. False where it waits no more."""
    return await _DECIDE.row(connection, conversation_id, held_id, "rejected", reason) is not None


async def due(database: Database, older_than_seconds: float) -> list[Approved]:
    return [_approved(row) for row in await _DUE.rows(database, older_than_seconds)]


async def forget(database: Database, held: Approved) -> None:
    """It was sent, or never will be."""
    await _FORGET.rows(database, held.conversation_id, held.id)


async def expire(database: Database, days: int) -> None:
    await _EXPIRE.rows(database, days)


def _approved(row: Row) -> Approved:
    return Approved(row["conversation_id"], row["id"], row["sender_id"], row["client_id"], row["body"], row["base_url"])


def _held_evidence(held_id: str, conversation_id: str, draft: Draft, at: datetime) -> _Evidence:
    return _Evidence(held_id, conversation_id, draft.sender_id, draft.text, draft.media_url, iso(at))


async def _note(database: Database, kind: str, evidence: _Evidence, reason: str | None) -> None:
    told = msgspec.json.encode(evidence).decode()
    reasons: Sequence[str] = [reason] if reason in (FLAGGED, UNCHECKED) else []
    place = evidence.conversation_id, evidence.id, evidence.sender_id
    await _ITEM.rows(database, new_id(), kind, *place, told, reasons)
