"""Push state: who is offline goes to the stream `undelivered` at once, for the rest a deadline is set per message."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from persistence.store import conversations
from persistence.store.database import Database
from persistence.store.views import Message
from shared import keys
from shared.clock import now_ms
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.redis_batches import Batches, Command, successes
from shared.wire import Deadline, Undelivered

# One command for a batch: redis-py takes 17 µs for each XADD of a pipeline, and 6 µs for each argument here.
_ADD_ALL = "for _, entry in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'message', entry) end"

_encode = msgspec.json.Encoder().encode


class _Plan(NamedTuple):
    """`undelivered` are entries of the stream, `deadlines` members of the set."""

    undelivered: list[bytes]
    deadlines: list[bytes]


class PushState:
    """Writes it. Doing so twice for one message is harmless: a deadline is the same member again, and keeps its time;
    the pusher's ledger knows what it pushed."""

    def __init__(self, redis: RedisClient, presence: PresenceReader, *, ack_timeout_seconds: float) -> None:
        self._redis = Batches(redis)
        self._presence = presence
        self._ack_timeout_ms = round(ack_timeout_seconds * 1000)

    async def write(self, database: Database, messages: Sequence[Message], spans: Mapping[str, bytes]) -> None:
        """For these committed messages; `spans` are of the publication of those that are traced, by id.

        Raises DATABASE_FAILURES or REDIS_FAILURES; then some may have been written.
        """
        members = await conversations.members(database, {message.conversation_id for message in messages})
        recipients = [
            [user for user in members.get(message.conversation_id, ()) if user != message.sender_id]
            for message in messages
        ]
        online = await self._presence.online({user for users in recipients for user in users})
        await self._write(_plan(messages, recipients, online, spans))

    async def set_deadlines(self, deadlines: Iterable[Deadline]) -> None:
        """Raises REDIS_FAILURES."""
        await self._write(_Plan([], [_encode(deadline) for deadline in deadlines]))

    async def _write(self, plan: _Plan) -> None:
        due = now_ms() + self._ack_timeout_ms
        commands: list[Command] = []
        if plan.undelivered:
            commands.append(("EVAL", _ADD_ALL, 1, keys.UNDELIVERED, *plan.undelivered))
        if plan.deadlines:
            scored = [part for member in plan.deadlines for part in (due, member)]
            commands.append(("ZADD", keys.DEADLINES, "NX", *scored))
        successes(await self._redis.send(commands))


def _plan(
    messages: Sequence[Message], recipients: Sequence[list[str]], online: set[str], spans: Mapping[str, bytes]
) -> _Plan:
    plan = _Plan([], [])
    for message, users in zip(messages, recipients, strict=True):
        offline = [user for user in users if user not in online]
        if offline:
            plan.undelivered.append(_encode(_undelivered(message, offline, spans.get(message.id, b""))))
        if len(offline) < len(users):
            plan.deadlines.append(_encode(_deadline(message)))
    return plan


def _undelivered(message: Message, users: list[str], span: bytes) -> Undelivered:
    return Undelivered(
        message.conversation_id, message.seq, message.id, message.sender_id, users, _committed_ms(message), span=span
    )


def _deadline(message: Message) -> Deadline:
    return Deadline(message.conversation_id, message.seq, message.id, message.sender_id, _committed_ms(message))


def _committed_ms(message: Message) -> int:
    # From the row, not from a clock: so that whoever writes a deadline again writes the same member.
    return round(datetime.fromisoformat(message.created_at).timestamp() * 1000)
