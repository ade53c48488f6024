"""Pinning messages, for all who are in the conversation."""

from typing import NamedTuple

from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.database.visibility import stands
from persistence.log.append import append
from persistence.log.logged import Logged
from persistence.members.roles import may_pin
from persistence.members.views import Muted, NotAMember, Withdrew
from persistence.messages.held import AtLimit, Deleted, Held, NoSuchMessage, hold
from persistence.messages.views import NotAllowed
from shared.events.message_pinned import MESSAGE_PINNED, MessagePinned

MOST = 100
"""Pinned messages of a conversation."""

# Two who pin different messages hold different rows: the lock of the conversation lets one count after the other.
_ROOM = Query("hold_pins", "SELECT FROM conversations WHERE id = $1 FOR NO KEY UPDATE")
_COUNT = Query(
    "count_pins",
    f"SELECT count(*) AS n FROM messages m WHERE m.conversation_id = $1 AND m.is_pinned AND {stands('m')}",
)
_PIN = Query("pin_message", "UPDATE messages SET is_pinned = $3 WHERE conversation_id = $1 AND seq = $2")


class Pinned(NamedTuple):
    """`logged` None: it was so before."""

    rev: int
    logged: Logged | None


Refused = NotAMember | Withdrew | Muted | NoSuchMessage | NotAllowed | Deleted | AtLimit


async def pin(pool: Pool, conversation_id: str, user_id: str, message_id: str, *, on: bool) -> Pinned | Refused:
    """Whether the message is pinned from now on. So already: no event."""
    async with transaction(pool) as connection:
        held = await hold(connection, conversation_id, user_id, message_id)
        if not isinstance(held, Held):
            return held
        if not may_pin(held.role, held.settings, is_group=held.is_group):
            return NotAllowed()
        if held.is_deleted:
            return Deleted()
        if held.message.is_pinned == on:
            return Pinned(held.message.rev, None)
        if on and await _is_full(connection, conversation_id):
            return AtLimit(f"{MOST} pinned messages")
        await _PIN.rows(connection, conversation_id, held.message.seq, on)
        body = MessagePinned(held.message.id, held.message.seq, on)
        logged = await append(connection, conversation_id, user_id, MESSAGE_PINNED, body, held.message.id)
        return Pinned(logged.seq, logged)


async def _is_full(connection: Connection, conversation_id: str) -> bool:
    await _ROOM.rows(connection, conversation_id)
    row = await _COUNT.row(connection, conversation_id)
    assert row is not None, "a count has a row"
    return int(row["n"]) >= MOST
