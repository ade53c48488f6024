"""Sending a message with files. It has a transaction of its own, and the statement that sends all others is untouched
by it: what no message uses costs none anything.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from persistence.attachments import references
from persistence.attachments.views import NoSuchFiles, Taken
from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.members.views import NotAMember
from persistence.messages import send as messages
from persistence.messages.send import Prior
from persistence.messages.views import Draft, Outcome, Sent

# The sender's row first, as every send locks it: two of one sender pass one after the other, so that what is judged
# below is what the other one left, and no client id is met twice.
_SENDER = Query(
    "hold_sender",
    "SELECT left_at FROM participants WHERE conversation_id = $1 AND user_id = $2 FOR NO KEY UPDATE",
)
_PRIOR = Query(
    "prior_with_files",
    "SELECT seq FROM messages WHERE conversation_id = $1 AND sender_id = $2 AND client_id = $3",
)


class Attached(NamedTuple):
    """`ids` in the order in which they are shown. `base_url` is where clients fetch a file."""

    ids: Sequence[str]
    base_url: str


async def send(pool: Pool, conversation_id: str, draft: Draft, attached: Attached) -> Outcome | NoSuchFiles:
    """As `messages.send` of one draft, whose files the message then holds. Raises DATABASE_FAILURES; then the same call
    again is safe."""
    async with transaction(pool) as connection:
        sender = await _SENDER.row(connection, conversation_id, draft.sender_id)
        if sender is None:
            return NotAMember()
        if sender["left_at"] is not None:  # as long as the row is held, nothing is sent: only said why
            [refused] = await messages.send(connection, conversation_id, [draft])
            return refused
        files = await references.take(connection, conversation_id, draft.sender_id, attached.ids)
        if isinstance(files, NoSuchFiles):
            return await _repeated(connection, conversation_id, draft) or files
        return await send_taken(connection, conversation_id, draft, files, attached.base_url)


async def send_taken(
    connection: Connection, conversation_id: str, draft: Draft, files: Taken, base_url: str
) -> Outcome:
    """Within a transaction that holds the sender's participant row and took, or copied, these files."""
    shown = _shown(draft, files, base_url)
    [outcome] = await messages.send(connection, conversation_id, [shown])
    if not isinstance(outcome, Sent):
        return outcome
    placeholder = not draft.text
    await references.link(connection, conversation_id, outcome.message.seq, files, placeholder=placeholder)
    message = msgspec.structs.replace(outcome.message, attachments=files.files, placeholder=placeholder)
    return outcome._replace(message=message)


def _shown(draft: Draft, files: Taken, base_url: str) -> Draft:
    """For older apps, which know a text and one address."""
    first = f"{base_url}/api/attachments/{files.files[0].id}"
    return draft._replace(text=draft.text or files.placeholder, media_url=draft.media_url or first)


async def _repeated(connection: Connection, conversation_id: str, draft: Draft) -> Outcome | None:
    """The message that took the files, if this is the same request again."""
    if draft.client_id is None:
        return None
    row = await _PRIOR.row(connection, conversation_id, draft.sender_id, draft.client_id)
    if row is None:
        return None
    [prior] = await messages.repeated(connection, [Prior(conversation_id, row["seq"])])
    return prior
