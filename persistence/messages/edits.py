"""Another text, or other data, for a message that was sent; and what it said before."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from persistence.attachments.views import NoSuchFiles
from persistence.database.pool import Connection, Database, Pool, Query, transaction
from persistence.database.view import View
from persistence.database.visibility import BEGINS, stands, stays
from persistence.log.append import append
from persistence.log.logged import Logged
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.messages.editing_files import Refiled, refile, show
from persistence.messages.erasing import ONE, unfound
from persistence.messages.held import Deleted, Held, NoSuchMessage, hold
from persistence.messages.mentions import Named, resolve, write
from persistence.messages.texts import fault_of
from persistence.messages.views import Message, NotAllowed, NotForAll
from shared.clock import iso
from shared.events.message_edited import MESSAGE_EDITED, MessageEdited
from shared.events.message_new import Mentioned

KEPT = 50
"""Earlier texts of a message."""

_REMEMBER = Query(
    "remember_text",
    """
WITH dropped AS (
    DELETE FROM message_edits WHERE conversation_id = $1 AND message_seq = $2 AND rev <= (
        SELECT rev FROM message_edits WHERE conversation_id = $1 AND message_seq = $2
        ORDER BY rev DESC OFFSET $3 LIMIT 1)
)
INSERT INTO message_edits (conversation_id, message_seq, rev, text, created_at)
SELECT conversation_id, seq, coalesce(rev, seq), text, coalesce(edited_at, created_at)
FROM messages WHERE conversation_id = $1 AND seq = $2
""",
)

# What it said is not found from here on; the words that it says now a moment later.
_EDIT = Query(
    "edit_message",
    f"""
WITH unfound AS ({unfound(ONE)}
)
UPDATE messages SET text = $3, data = $4, edited_at = now.at, updated_at = now.at
FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS at) AS now
WHERE conversation_id = $1 AND seq = $2 RETURNING edited_at
""",
)

_HISTORY = Query(
    "message_edits",
    f"""
SELECT m.id, m.sender_id, e.text, e.created_at FROM participants p
JOIN conversations c ON c.id = p.conversation_id
LEFT JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
LEFT JOIN message_edits e ON e.conversation_id = m.conversation_id AND e.message_seq = m.seq AND {stands("m")}
WHERE p.conversation_id = $1 AND p.user_id = $2 AND {stays("p")}
ORDER BY e.rev
""",
)


class Edit(NamedTuple):
    """What is to be other; None stays as it is; `text` is trimmed. `if_rev`: only where nothing touched the message
    since. `mentions` are shown, and nobody is notified. `files`: which the message is to hold; `base_url` is
    where clients fetch them."""

    text: str | None = None
    data: str | None = None
    if_rev: int | None = None
    mentions: Named | None = None
    files: tuple[str, ...] | None = None
    base_url: str = ""


class TooLate(NamedTuple):
    """Its author could edit it for a while only."""


class Changed(NamedTuple):
    """Somebody touched it since the caller saw it; this is how it stands, when the log had come so far."""

    message: Message
    as_of_seq: int


class BadText(NamedTuple):
    """The text would show nothing, and there is no file beside it; or it is longer than that of its kind may be."""

    fault: str


class Edited(NamedTuple):
    """`logged` None: nothing changed. `as_of_seq`: the message is as it was when the log had come so far."""

    message: Message
    as_of_seq: int
    logged: Logged | None


Refused = (
    NoSuchFiles
    | NotAMember
    | Withdrew
    | Muted
    | NoSuchMessage
    | NotAllowed
    | NotForAll
    | Deleted
    | TooLate
    | Changed
    | BadText
)


class EditRules(NamedTuple):
    """`seconds`: for how long an author may edit. `keep`: whether earlier texts are kept."""

    seconds: float
    keep: bool


class Version(View, frozen=True):
    """A text that the message had, and when it was written."""

    text: str
    created_at: str


async def edit(
    pool: Pool, conversation_id: str, user_id: str, message_id: str, wanted: Edit, rules: EditRules
) -> Edited | Refused:
    """The message as it stands afterwards. The same content again is no event."""
    async with transaction(pool) as connection:
        held = await hold(connection, conversation_id, user_id, message_id)
        if not isinstance(held, Held):
            return held
        refused = _judge(held, user_id, wanted, rules)
        if refused is not None:
            return refused
        mentions = await _mentions(connection, held, wanted)
        if isinstance(mentions, NotForAll):
            return mentions
        refiled = await refile(connection, held.message, wanted.text, wanted.files, wanted.base_url)
        if isinstance(refiled, NoSuchFiles):
            return refiled
        wanted = wanted._replace(text=refiled.text)
        if _shows_nothing(refiled, held.message):
            return BadText("required where there is no file")
        has_same_files = refiled.message.attachments == held.message.attachments
        if _is_same(held.message, wanted) and mentions == held.message.mentions and has_same_files:
            return Edited(held.message, held.head, None)
        if wanted.if_rev is not None and wanted.if_rev < held.message.rev:
            return Changed(held.message, held.head)
        await show(connection, held.message, refiled.message)
        return await _write(connection, refiled.message, wanted, mentions, keep=rules.keep)


async def _mentions(connection: Connection, held: Held, wanted: Edit) -> Mentioned | NotForAll:
    """Whom the message is to mention."""
    message, named = held.message, wanted.mentions
    if named is None:
        return message.mentions
    place = connection, message.conversation_id
    return await resolve(*place, named, is_group=held.is_group, role=held.role)


def _judge(held: Held, user_id: str, wanted: Edit, rules: EditRules) -> Refused | None:
    message = held.message
    if message.sender_id != user_id:
        return NotAllowed()
    if held.is_deleted:
        return Deleted()
    if datetime.now(UTC) - datetime.fromisoformat(message.created_at) >= timedelta(seconds=rules.seconds):
        return TooLate()
    if wanted.text is None:
        return None
    if message.forwarded is not None and wanted.text != message.text:
        return NotAllowed()  # else words would stand under another's name
    fault = fault_of(wanted.text, opaque=message.opaque, beside_file=message.media_url is not None)
    return None if fault is None else BadText(fault)


async def _write(connection: Connection, old: Message, wanted: Edit, mentions: Mentioned, *, keep: bool) -> Edited:
    text = old.text if wanted.text is None else wanted.text
    data = _data_of(old) if wanted.data is None else wanted.data
    if keep and text != old.text:
        await _REMEMBER.rows(connection, old.conversation_id, old.seq, KEPT - 1)
    row = await _EDIT.row(connection, old.conversation_id, old.seq, text, data)
    assert row is not None, "the message is locked"
    if mentions != old.mentions:
        await write(connection, old, mentions)
    at = iso(row["edited_at"])
    body = MessageEdited(old.seq)
    logged = await append(connection, old.conversation_id, old.sender_id, MESSAGE_EDITED, body, old.id)
    message = msgspec.structs.replace(
        old,
        text=text,
        data=None if data is None else msgspec.Raw(data),
        mentions=mentions,
        edited_at=at,
        updated_at=at,
        rev=logged.seq,
    )
    return Edited(message, logged.seq, logged)


async def history(
    database: Database, conversation_id: str, user_id: str, message_id: str, *, author_only: bool
) -> list[Version] | NotAMember | NoSuchMessage | NotAllowed:
    """What the message said before, the oldest first; nothing once it is deleted."""
    rows = await _HISTORY.rows(database, conversation_id, user_id, message_id)
    if not rows:
        return NotAMember()
    if rows[0]["id"] is None:
        return NoSuchMessage()
    if author_only and rows[0]["sender_id"] != user_id:
        return NotAllowed()
    return [Version(row["text"], iso(row["created_at"])) for row in rows if row["text"] is not None]


def _shows_nothing(refiled: Refiled, before: Message) -> bool:
    text = before.text if refiled.text is None else refiled.text
    return not text and not refiled.message.attachments and refiled.message.media_url is None


def _is_same(message: Message, wanted: Edit) -> bool:
    return wanted.text in (None, message.text) and wanted.data in (None, _data_of(message))


def _data_of(message: Message) -> str | None:
    return None if message.data is None else bytes(message.data).decode()
