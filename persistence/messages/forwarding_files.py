"""Forwarding a message that has files: the copy holds files of its own, which share the bytes."""

import msgspec

from persistence.attachments import references
from persistence.attachments.views import held_files
from persistence.database.pool import Connection, Pool, Query, Refused, Row, transaction
from persistence.messages import send as messages
from persistence.messages.views import Draft, Outcome, Sent, Source

# In the order of locks: the sender's row as every send locks it, then the source's, so that its deletion comes before
# all of this, or after. Whether the sender sees the source is judged by the statement that sends.
_HOLD = (
    Query(
        "hold_sender",
        "SELECT FROM participants WHERE conversation_id = $1 AND user_id = $2 FOR NO KEY UPDATE",
    ),
    Query(
        "hold_source",
        "SELECT seq, attachments, placeholder FROM messages WHERE conversation_id = $1 AND id = $2 FOR SHARE",
    ),
)


async def send(pool: Pool, conversation_id: str, draft: Draft, source: Source, base_url: str) -> Outcome:
    """As `messages.send` of one draft that forwards this source, which has files. Raises DATABASE_FAILURES; then the
    same call again is safe."""
    try:
        async with transaction(pool) as connection:
            hold_sender, hold_source = _HOLD
            await hold_sender.rows(connection, conversation_id, draft.sender_id)
            row = await hold_source.row(connection, source.conversation_id, source.message_id)
            if row is None or row["attachments"] is None:  # deleted meanwhile: the statement says so
                [refused] = await messages.send(connection, conversation_id, [draft])
                return refused
            return await _send_copy(connection, conversation_id, draft, (source.conversation_id, row), base_url)
    except Refused as refused_late:
        told: Outcome = refused_late.outcome
        return told


async def _send_copy(
    connection: Connection, conversation_id: str, draft: Draft, source: tuple[str, Row], base_url: str
) -> Outcome:
    origin, row = source
    ids = [one.id for one in held_files(row["attachments"])]
    files = await references.copy(connection, (origin, row["seq"]), conversation_id, draft.sender_id, ids)
    assert draft.carried is not None, "a forward"
    shown = draft._replace(
        text=files.placeholder,
        media_url=f"{base_url}/api/attachments/{files.files[0].id}",
        carried=msgspec.structs.replace(draft.carried, with_files=True),
    )
    [outcome] = await messages.send(connection, conversation_id, [shown])
    if not isinstance(outcome, Sent):
        raise Refused(outcome)  # which takes the copies back
    placeholder = bool(row["placeholder"])
    await references.link(connection, conversation_id, outcome.message.seq, files, placeholder=placeholder)
    return Sent(msgspec.structs.replace(outcome.message, attachments=files.files, placeholder=placeholder))
