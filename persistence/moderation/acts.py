"""What moderators do to messages and people. Each is a part of a transaction: what takes a seq comes last in it."""

from datetime import datetime
from typing import NamedTuple

from prometheus_client import Counter

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Connection, Query
from persistence.log.logged import Logged
from persistence.messages.deletions import erase
from persistence.messages.held import hold_any
from persistence.messages.views import Message
from persistence.moderation import notices
from persistence.moderation.notices import Notice
from persistence.screening import held
from persistence.users import revocations
from persistence.users.revocations import Ban
from shared.auth.caller import Actor

ACTIONS = Counter(
    "parley_persistence_moderation_actions_total",
    "What moderators did, by action; lifting one counts as `lift_…`.",
    ["action"],
)

_SILENCE = Query(
    "silence",
    """
WITH held AS (
    SELECT conversation_id, user_id FROM participants
    WHERE user_id = $1 AND ($2::uuid IS NULL OR conversation_id = $2)
    ORDER BY conversation_id, user_id FOR NO KEY UPDATE
)
UPDATE participants p SET silenced_until = $3 FROM held
WHERE p.conversation_id = held.conversation_id AND p.user_id = held.user_id RETURNING p.conversation_id
""",
)


class Order(NamedTuple):
    """Who acts, why, and in which request. `reason` is told to whom it concerns."""

    actor: Actor
    reason: str
    request_id: str | None = None


class Done(NamedTuple):
    """What is to be told after the commit: to the log, to people, and to the sockets of who is banned.
    `released` are messages that waited and are to be sent."""

    logged: list[Logged]
    notices: list[Notice]
    banned: dict[str, Ban]
    released: list[str]

    @classmethod
    def nothing(cls) -> "Done":
        return cls([], [], {}, [])


class Nobody(NamedTuple):
    """There is no such message, or no such participant."""


async def hold_message(connection: Connection, message_id: str, conversation_id: str | None = None) -> Message | None:
    """Locks it until the transaction ends."""
    return await hold_any(connection, message_id, conversation_id)


async def delete(connection: Connection, order: Order, message: Message, done: Done) -> None:
    """Of a message that is held; the last step. The author is told why. Nothing where it is deleted already."""
    if message.deleted_at is not None:
        return
    await _note(connection, order, "message.delete", "message", message.id, {"conversationId": message.conversation_id})
    notice = Notice(
        message.sender_id, "delete", order.reason, conversation_id=message.conversation_id, message_id=message.id
    )
    await _tell(connection, notice, done)
    done.logged.append(await erase(connection, message, None, "moderator"))
    ACTIONS.labels("delete").inc()


async def mute(
    connection: Connection, order: Order, user_id: str, conversation_id: str | None, until: datetime, done: Done
) -> bool:
    """The user says nothing in this conversation, or in none of theirs, until then. Before any other row is locked.
    False where they are in none."""
    rows = await _SILENCE.rows(connection, user_id, conversation_id, until)
    if rows:
        details = {"conversationId": conversation_id, "until": until.isoformat()}
        await _note(connection, order, "user.mute", "user", user_id, details)
        await _tell(connection, Notice(user_id, "mute", order.reason, until, conversation_id), done)
        ACTIONS.labels("mute").inc()
    return bool(rows)


async def approve(connection: Connection, conversation_id: str, held_id: str, done: Done) -> None:
    """Of a message that waits to be sent."""
    if await held.approve(connection, conversation_id, held_id):
        done.released.append(held_id)
        ACTIONS.labels("approve").inc()


async def reject(
    connection: Connection, order: Order, sender_id: str, conversation_id: str, held_id: str, done: Done
) -> None:
    """The sender is told why."""
    if await held.reject(connection, conversation_id, held_id, order.reason):
        await _tell(connection, Notice(sender_id, "reject", order.reason, None, conversation_id, held_id), done)
        ACTIONS.labels("reject").inc()


async def unmute(connection: Connection, order: Order, user_id: str, conversation_id: str) -> bool:
    rows = await _SILENCE.rows(connection, user_id, conversation_id, None)
    if rows:
        await _note(connection, order, "user.unmute", "user", user_id, {"conversationId": conversation_id})
        ACTIONS.labels("lift_mute").inc()
    return bool(rows)


async def ban(connection: Connection, order: Order, user_id: str, until: datetime | None, done: Done) -> None:
    """After the locks of messages. The same again is told to the gateways again, and noted nowhere."""
    given = Ban(until, order.reason)
    done.banned[user_id] = given
    if not await revocations.put_ban(connection, user_id, given):
        return
    await _note(connection, order, "user.ban", "user", user_id, {"until": until.isoformat()} if until else None)
    await _tell(connection, Notice(user_id, "ban", order.reason, until), done)
    ACTIONS.labels("ban").inc()


async def unban(connection: Connection, order: Order, user_id: str) -> None:
    if await revocations.lift_ban(connection, user_id):
        await _note(connection, order, "user.unban", "user", user_id, None)
        ACTIONS.labels("lift_ban").inc()


async def _tell(connection: Connection, notice: Notice, done: Done) -> None:
    await notices.put(connection, notice)
    done.notices.append(notice)


async def _note(
    connection: Connection, order: Order, action: str, kind: str, subject: str, details: dict[str, str | None] | None
) -> None:
    entry = Entry(action, kind, subject, order.reason or None, details)
    await audit.note(connection, order.actor, entry, order.request_id)
