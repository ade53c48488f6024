"""The deadline set: messages that online recipients should have taken by now. Who did not becomes undelivered.

Any number of pushers watch it. One leases what is due by moving its score ahead, so that a pusher that dies with it
leaves it to the others; what it found goes to the stream and out of the set in one step.
"""

from collections.abc import Sequence

import msgspec
import structlog

from pusher.epoch import Epoch
from pusher.metrics import DEAD_LETTERS
from pusher.persistence_client import PersistenceClient
from pusher.stream import FIELD, HANDED_OVER_SECONDS, MAX_DEAD_LETTERS
from shared import keys
from shared.clock import now_ms
from shared.ids import canonical_id
from shared.redis import RedisClient
from shared.streams import Deadline, Undelivered
from shared.undelivered import ADD, Overflow, facts, names, shares
from shared.wire import is_foreign

log = structlog.get_logger()

LEASE_SECONDS = 10.0
BATCH = 200

_decode = msgspec.json.Decoder(Deadline).decode

# KEYS: the deadline set. ARGV: now, the lease's end (both ms), how many.
_LEASE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], 'XX', ARGV[2], member) end
return due
"""

# KEYS: the deadline set, the streams, the senders' counts. ARGV: of each member: itself, and five of its entry, which
# has no user where nobody lags. Only who still finds a member writes its entry: two pushers that hold one deadline make
# one entry.
_MOVE = f"""{ADD}
for at = 1, #ARGV, 6 do
    if redis.call('ZREM', KEYS[1], ARGV[at]) == 1 then
        add(2, 3, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    end
end
return {{told, held, first}}
"""

# KEYS: the deadline set, that of whose it is. ARGV: now (ms), how long that is kept (s), the member.
_HAND_OVER = """
if redis.call('ZREM', KEYS[1], ARGV[3]) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[1], ARGV[3])
    redis.call('EXPIRE', KEYS[2], ARGV[2])
end
"""

# KEYS: the deadline set, the dead letters. ARGV: the member, then the letter's fields.
_BURY = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3))
end
"""


class Deadlines:
    """`sweep` raises REDIS_FAILURES and PersistenceAway: call it again later, nothing is lost.

    A deadline of another deployment that shares the Redis goes to a set that only that one's pushers look at.
    """

    def __init__(self, redis: RedisClient, persistence: PersistenceClient, epoch: Epoch) -> None:
        self._epoch = epoch
        self._hand_over = redis.register_script(_HAND_OVER)
        self._lease = redis.register_script(_LEASE)
        self._move = redis.register_script(_MOVE)
        self._bury = redis.register_script(_BURY)
        self._persistence = persistence
        self._named = redis.named
        self._letters = redis.named(keys.DEAD_LETTERS)
        self._overflow = Overflow()

    async def sweep(self) -> None:
        """Deals with all the deadlines that have passed."""
        ours = self._epoch.current
        if ours:
            for name in (keys.DEADLINES, keys.of_epoch(keys.DEADLINES, ours)):
                while await self._sweep_batch(self._named(name)) == BATCH:
                    pass

    async def _sweep_batch(self, due: str) -> int:
        now = now_ms()
        members: list[bytes] = await self._lease(keys=[due], args=[now, now + int(LEASE_SECONDS * 1000), BATCH])
        deadlines = [(member, deadline) for member in members if (deadline := await self._own(due, member))]
        if deadlines:
            laggards = await self._persistence.laggards([deadline for _, deadline in deadlines])
            await self._settle(due, deadlines, laggards)
        return len(members)

    async def _own(self, due: str, member: bytes) -> Deadline | None:
        """None for another deployment's, and for one that nobody can read: it becomes a dead letter."""
        deadline = _parsed(member)
        if isinstance(deadline, Deadline):
            if not is_foreign(deadline.epoch, self._epoch.current):
                return deadline
            theirs = self._named(keys.of_epoch(keys.DEADLINES, deadline.epoch))
            await self._hand_over(keys=[due, theirs], args=[now_ms(), HANDED_OVER_SECONDS, member])
            return None
        letter = (FIELD, member, b"reason", deadline, b"entry", b"")
        await self._bury(keys=[due, self._letters], args=[member, MAX_DEAD_LETTERS, *letter])
        DEAD_LETTERS.inc()
        log.error("dead letter", reason=deadline)
        return None

    async def _settle(
        self, due: str, deadlines: Sequence[tuple[bytes, Deadline]], laggards: Sequence[list[str]]
    ) -> None:
        late = [(member, _entry(one, users)) for (member, one), users in zip(deadlines, laggards, strict=True)]
        numbers = shares((entry for _, entry in late), after=3)
        moves = [part for member, entry in late for part in (member, *facts(entry, numbers[entry.sender_id]))]
        named = [due, *names(numbers, self._named)]
        self._overflow.note(await self._move(keys=named, args=moves), numbers)


def _parsed(member: bytes) -> Deadline | str:
    """The deadline, or why it is none."""
    try:
        deadline = _decode(member)
    except msgspec.MsgspecError as error:
        return f"deadline: {error}"
    if not all(map(canonical_id, (deadline.conversation_id, deadline.message_id, deadline.sender_id))):
        return "deadline: an id that is no UUID"
    return deadline


def _entry(deadline: Deadline, users: list[str]) -> Undelivered:
    return Undelivered(
        conversation_id=deadline.conversation_id,
        seq=deadline.seq,
        message_id=deadline.message_id,
        sender_id=deadline.sender_id,
        users=users,
        at_ms=deadline.at_ms,
        late=True,
        epoch=deadline.epoch,
    )
