"""Push state: who is offline goes to the stream `undelivered` at once, for the rest a deadline is set per message."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from persistence.database.pool import Database
from persistence.log.logged import Logged
from persistence.push import undelivered
from shared import keys
from shared.clock import now_ms
from shared.presence import PresenceReader
from shared.redis import RedisClient
from shared.redis_batches import Batches, Command, successes
from shared.streams import Deadline, Undelivered
from shared.undelivered import Overflow, adding, shares

_encode = msgspec.json.Encoder().encode


class _Plan(NamedTuple):
    """`undelivered` are entries of the streams, `deadlines` members of the set."""

    undelivered: list[Undelivered]
    deadlines: list[bytes]


class PushState:
    """Writes it. Doing so twice for one message is harmless: a deadline is the same member again, and keeps its time;
    the pusher's ledger knows what it pushed."""

    def __init__(self, redis: RedisClient, presence: PresenceReader, *, ack_timeout_seconds: float) -> None:
        self._redis = Batches(redis)
        self._presence = presence
        self._ack_timeout_ms = round(ack_timeout_seconds * 1000)
        self._overflow = Overflow()

    async def follow(self, database: Database, events: Sequence[Logged]) -> None:
        """A `Follower`: for those of these events that are messages. Their spans are of their publication.

        Raises DATABASE_FAILURES or REDIS_FAILURES; then some may have been written.
        """
        messages = [event for event in events if event.is_message]
        if not messages:
            return
        # Who has no device costs nothing here: no entry, no look at their presence, and no decision of a pusher's.
        members = await undelivered.reachable(database, {message.conversation_id for message in messages})
        recipients = [
            [user for user in members.get(message.conversation_id, ()) if user != message.sender_id]
            for message in messages
        ]
        online = await self._presence.online({user for users in recipients for user in users})
        await self._write(_plan(messages, recipients, online, self._presence.epoch))

    async def set_deadlines(self, deadlines: Iterable[Deadline]) -> None:
        """Raises REDIS_FAILURES."""
        epoch = self._presence.epoch
        await self._write(_Plan([], [_encode(msgspec.structs.replace(one, epoch=epoch)) for one in deadlines]))

    async def _write(self, plan: _Plan) -> None:
        due = now_ms() + self._ack_timeout_ms
        commands: list[Command] = []
        if plan.undelivered:
            commands.append(adding(plan.undelivered, self._redis.named))
        if plan.deadlines:
            scored = [part for member in plan.deadlines for part in (due, member)]
            commands.append(("ZADD", self._redis.named(keys.DEADLINES), "NX", *scored))
        answers = successes(await self._redis.send(commands))
        if plan.undelivered:
            self._overflow.note(answers[0], shares(plan.undelivered, after=2))


def _plan(messages: Sequence[Logged], recipients: Sequence[list[str]], online: set[str], epoch: str) -> _Plan:
    plan = _Plan([], [])
    for message, users in zip(messages, recipients, strict=True):
        offline = [user for user in users if user not in online]
        if offline:
            plan.undelivered.append(_undelivered(message, offline, epoch))
        if len(offline) < len(users):
            plan.deadlines.append(_encode(_deadline(message, epoch)))
    return plan


def _undelivered(message: Logged, users: list[str], epoch: str) -> Undelivered:
    return Undelivered(
        message.conversation_id,
        message.seq,
        _id(message),
        message.sender_id,
        users,
        _committed_ms(message),
        span=message.span or b"",
        epoch=epoch,
    )


def _deadline(message: Logged, epoch: str) -> Deadline:
    conversation_id, sender_id = message.conversation_id, message.sender_id
    return Deadline(conversation_id, message.seq, _id(message), sender_id, _committed_ms(message), epoch)


def _id(message: Logged) -> str:
    assert message.message_id is not None
    return message.message_id


def _committed_ms(message: Logged) -> int:
    # From the row, not from a clock: so that whoever writes a deadline again writes the same member.
    return round(datetime.fromisoformat(message.at).timestamp() * 1000)
