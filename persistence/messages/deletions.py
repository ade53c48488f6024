"""Deleting a message: for all, which erases it, or for oneself alone."""

from typing import NamedTuple

from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.database.visibility import BEGINS
from persistence.log.append import append
from persistence.log.logged import Logged
from persistence.members.roles import may_delete_of
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.messages import erasing
from persistence.messages.held import Held, Locked, NoSuchMessage, hold, lock
from persistence.messages.views import Message, NotAllowed
from shared.events.message_deleted import MESSAGE_DELETED, MessageDeleted

# The number on the reader's own phones may be too high by it now.
_HIDE = Query(
    "hide_message",
    f"""
WITH hidden AS (
    INSERT INTO hidden_messages (conversation_id, user_id, message_seq, message_id)
    SELECT m.conversation_id, p.user_id, m.seq, m.id FROM participants p
    JOIN conversations c ON c.id = p.conversation_id
    JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
    WHERE p.conversation_id = $1 AND p.user_id = $2
    ON CONFLICT DO NOTHING RETURNING message_seq
), noted AS (
    UPDATE participants p SET hid_messages = true, moved_xid = pg_current_xact_id() FROM hidden
    WHERE p.conversation_id = $1 AND p.user_id = $2
), stale AS (
    UPDATE badges b SET stale_since = now() FROM hidden
    WHERE b.user_id = $2 AND b.shown > 0 AND b.stale_since IS NULL
)
SELECT m.seq, hidden.message_seq IS NOT NULL AS is_new FROM participants p
JOIN conversations c ON c.id = p.conversation_id
JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = $3 AND m.seq > {BEGINS}
LEFT JOIN hidden ON true
WHERE p.conversation_id = $1 AND p.user_id = $2
""",
)


class Erased(NamedTuple):
    """`logged` None: it was deleted before."""

    logged: Logged | None


class HiddenNow(NamedTuple):
    """`is_new`: it was not before."""

    seq: int
    is_new: bool


async def delete_for_all(
    pool: Pool, conversation_id: str, user_id: str, message_id: str
) -> Erased | NotAMember | Withdrew | Muted | NoSuchMessage | NotAllowed:
    """By its author, or by whose role allows it. A tombstone is left, and what was deleted stands nowhere after the
    commit: text, data, edits, reactions, pin."""
    async with transaction(pool) as connection:
        held = await hold(connection, conversation_id, user_id, message_id, erases=True)
        if not isinstance(held, Held):
            return held
        is_own = held.message.sender_id == user_id
        if not is_own and not (held.is_group and may_delete_of(held.role, held.author_role)):
            return NotAllowed()
        if held.is_deleted:
            return Erased(None)
        return Erased(await erase(connection, held.message, user_id, "author" if is_own else "admin"))


async def erase(connection: Connection, message: Message, user_id: str | None, by: str) -> Logged:
    """Of a message that the transaction holds, and as its last step. `user_id` None: nobody is named as who did it."""
    await erasing.deleted(connection, message, user_id, by)
    body = MessageDeleted(message.id, message.seq, user_id, by)
    teller = user_id or message.sender_id
    return await append(connection, message.conversation_id, teller, MESSAGE_DELETED, body, message.id)


async def hide(
    pool: Pool, conversation_id: str, user_id: str, message_id: str
) -> HiddenNow | NotAMember | Withdrew | Muted | NoSuchMessage:
    """For this user alone: no event, and nobody else hears of it."""
    async with transaction(pool) as connection:
        locked = await lock(connection, conversation_id, user_id, message_id, erases=True)
        if not isinstance(locked, Locked):
            return locked
        row = await _HIDE.row(connection, conversation_id, user_id, message_id)
    return NoSuchMessage() if row is None else HiddenNow(row["seq"], row["is_new"])
