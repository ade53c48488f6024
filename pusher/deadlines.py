"""The deadline set: messages that online recipients should have taken by now. Who did not becomes undelivered.

Any number of pushers watch it. One leases what is due by moving its score ahead, so that a pusher that dies with it
leaves it to the others; what it found goes to the stream and out of the set in one step.
"""

from collections.abc import Sequence

import msgspec

from pusher.persistence_client import PersistenceClient
from pusher.stream import FIELD
from shared import keys
from shared.clock import now_ms
from shared.redis import RedisClient
from shared.wire import Deadline, Undelivered

LEASE_SECONDS = 10.0
BATCH = 200

_decode = msgspec.json.Decoder(Deadline).decode

# KEYS: the deadline set. ARGV: now, the lease's end (both ms), how many.
_LEASE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], 'XX', ARGV[2], member) end
return due
"""

# KEYS: the deadline set, the stream. ARGV: the member, the stream's field, the entry ('' where nobody lags).
# Only who still finds the member writes the entry: two pushers that hold one deadline make one entry.
_MOVE = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 and ARGV[3] ~= '' then
    redis.call('XADD', KEYS[2], '*', ARGV[2], ARGV[3])
end
"""


class Deadlines:
    """`sweep` raises REDIS_FAILURES and PersistenceAway: call it again later, nothing is lost."""

    def __init__(self, redis: RedisClient, persistence: PersistenceClient) -> None:
        self._lease = redis.register_script(_LEASE)
        self._move = redis.register_script(_MOVE)
        self._persistence = persistence

    async def sweep(self) -> None:
        """Deals with all the deadlines that have passed."""
        while await self._sweep_batch() == BATCH:
            pass

    async def _sweep_batch(self) -> int:
        now = now_ms()
        members: list[bytes] = await self._lease(
            keys=[keys.DEADLINES], args=[now, now + int(LEASE_SECONDS * 1000), BATCH]
        )
        if not members:
            return 0
        deadlines = [_decode(member) for member in members]
        laggards = await self._persistence.laggards(deadlines)
        await self._settle(members, deadlines, laggards)
        return len(members)

    async def _settle(
        self, members: Sequence[bytes], deadlines: Sequence[Deadline], laggards: Sequence[list[str]]
    ) -> None:
        for member, deadline, users in zip(members, deadlines, laggards, strict=True):
            await self._move(keys=[keys.DEADLINES, keys.UNDELIVERED], args=[member, FIELD, _entry(deadline, users)])


def _entry(deadline: Deadline, users: list[str]) -> bytes:
    if not users:
        return b""
    return msgspec.json.encode(
        Undelivered(
            conversation_id=deadline.conversation_id,
            seq=deadline.seq,
            message_id=deadline.message_id,
            sender_id=deadline.sender_id,
            users=users,
            at_ms=deadline.at_ms,
        )
    )
