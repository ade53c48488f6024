"""Bursts: the first message of a quiet conversation is pushed at once, those shortly after it become one notification.

For each (conversation, user) that was pushed there is a window, in Redis, so that it survives a pusher. What falls into
it is held until its end, then told at once, and the next window begins; a window in which nothing fell closes, and the
conversation is quiet again. If Redis comes back empty, persistence sets deadlines for what is recent, and the ledger
knows what was told: a burst may then be told in two notifications instead of one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared import keys
from shared.push_api import Addressee, Cause, Target
from shared.redis import RedisClient

BATCH = 200
LEASE_SECONDS = 20.0
"""Longer than one call to Expo: an older lease belongs to a pusher that died, and another one takes the burst."""
DEVICE_PAUSE_SECONDS = 60.0
"""For a device that had too many: FCM takes 240 a minute for each."""

_HELD = b"held:"
_OWN_FIELDS = 3
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# KEYS: the windows, then one burst a message. ARGV: the window (ms), then five of each message. Answers 1 for a message
# that goes at once. A message that opened its window goes at once however often it comes, until it was told.
_ADMIT = f"""{_NOW}
local verdicts = {{}}
for i = 2, #KEYS do
    local at = (i - 2) * 5 + 2
    local member, message, ordinal, sender, cause = unpack(ARGV, at, at + 4)
    local first = redis.call('HGET', KEYS[i], 'first')
    if not first then
        redis.call('HSET', KEYS[i], 'first', message, 'since', ordinal, 'sender', sender)
    elseif first ~= message then
        redis.call('HSET', KEYS[i], 'held:' .. message, cause)
        if redis.call('HGET', KEYS[i], 'sender') ~= sender then redis.call('HSET', KEYS[i], 'sender', '') end
    end
    redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], member)
    verdicts[i - 1] = (not first or first == message) and 1 or 0
end
return verdicts
"""

# KEYS: the windows, a burst. ARGV: the delay (ms), then its member, message, ordinal, sender and cause. Holds a message
# that may be the first of its burst, and lets the window end not before the delay.
_POSTPONE = f"""{_NOW}
local member, message, ordinal, sender, cause = unpack(ARGV, 2, 6)
if redis.call('HEXISTS', KEYS[2], 'first') == 0 then
    redis.call('HSET', KEYS[2], 'first', message, 'since', ordinal, 'sender', sender)
end
redis.call('HSET', KEYS[2], 'held:' .. message, cause)
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[1], member)
"""

# KEYS: the windows. ARGV: the lease (ms), how many. Moves what is due ahead, so that nobody else takes it now.
_LEASE = f"""{_NOW}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], member) end
return due
"""

# KEYS: the windows, then bursts in which nothing was held. ARGV: their members.
# Race: what was held since we looked keeps one open.
_CLOSE = f"""{_NOW}
for i = 2, #KEYS do
    if redis.call('HLEN', KEYS[i]) <= {_OWN_FIELDS} then
        redis.call('ZREM', KEYS[1], ARGV[i - 1])
        redis.call('DEL', KEYS[i])
    else
        redis.call('ZADD', KEYS[1], 'XX', now, ARGV[i - 1])
    end
end
"""

# KEYS: the windows, a burst. ARGV: its member, the next window (ms; 0: none), then the messages that are settled.
# Race: what was held since we looked keeps the window open, whatever we wanted.
_SETTLE = f"""{_NOW}
for i = 3, #ARGV do redis.call('HDEL', KEYS[2], 'held:' .. ARGV[i]) end
if redis.call('HLEN', KEYS[2]) > {_OWN_FIELDS} or ARGV[2] ~= '0' then
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], ARGV[1])
else
    redis.call('ZREM', KEYS[1], ARGV[1])
    redis.call('DEL', KEYS[2])
end
"""


@dataclass(frozen=True)
class Burst:
    """What is held of one conversation for one user. `first` opened the window and had the ordinal `since`."""

    member: str
    first: str
    since: int
    several_senders: bool
    held: dict[str, Cause]

    @property
    def conversation_id(self) -> str:
        return self.member.partition(":")[0]

    @property
    def user_id(self) -> str:
        return self.member.partition(":")[2]

    @property
    def addressees(self) -> list[Addressee]:
        """Of what is held, and of the first: a device that was not told of it yet is told now."""
        causes = {self.first: next(iter(self.held.values())), **self.held}
        return [Addressee(self.conversation_id, message, [self.user_id], cause) for message, cause in causes.items()]


class Bursts:
    """All methods raise REDIS_FAILURES. `window_seconds` 0: every message goes at once.

    `epoch()` is whose windows these are, so that no other deployment on the Redis ends them; empty for those that an
    older release opened.
    """

    def __init__(self, redis: RedisClient, *, window_seconds: float, epoch: Callable[[], str]) -> None:
        self._redis = redis
        self._epoch = epoch
        self._window_ms = round(window_seconds * 1000)
        self._admit = redis.register_script(_ADMIT)
        self._lease = redis.register_script(_LEASE)
        self._postpone = redis.register_script(_POSTPONE)
        self._close = redis.register_script(_CLOSE)
        self._settle = redis.register_script(_SETTLE)

    async def admit(self, targets: Sequence[Target]) -> list[Target]:
        """Those that go at once. The others are held: their entries may be acknowledged."""
        if not self._window_ms or not targets:
            return list(targets)
        members = [f"{target.conversation_id}:{target.user_id}" for target in targets]
        facts = [part for pair in zip(members, targets, strict=True) for part in _facts(*pair)]
        verdicts = await self._admit(
            keys=[self._windows, *map(self._burst, members)],
            args=[self._window_ms, *facts],
        )
        return [target for target, verdict in zip(targets, verdicts, strict=True) if verdict]

    async def postpone(self, targets: Iterable[Target]) -> None:
        """Holds them for DEVICE_PAUSE_SECONDS, together with what comes in their conversation until then."""
        for target in targets:
            member = f"{target.conversation_id}:{target.user_id}"
            facts = _facts(member, target)
            await self._postpone(
                keys=[self._windows, self._burst(member)], args=[int(DEVICE_PAUSE_SECONDS * 1000), *facts]
            )

    async def due(self) -> tuple[int, list[Burst]]:
        """How many windows ended (at most BATCH), and the bursts among them, which are ours for LEASE_SECONDS."""
        due: list[bytes] = await self._lease(keys=[self._windows], args=[int(LEASE_SECONDS * 1000), BATCH])
        members = [member.decode() for member in due]
        found = [_burst(member, fields) for member, fields in zip(members, await self._read(members), strict=True)]
        bursts = [burst for burst in found if burst is not None]
        await self._close_all(sorted(set(members).difference(burst.member for burst in bursts)))
        return len(members), bursts

    async def settle(self, burst: Burst, settled: Iterable[str], *, told: bool) -> None:
        """Forgets these messages of it. Where the user was told of some, the next window begins now."""
        window_ms = self._window_ms if told else 0
        await self._settle(keys=[self._windows, self._burst(burst.member)], args=[burst.member, window_ms, *settled])

    @property
    def _windows(self) -> str:
        epoch = self._epoch()
        return self._redis.named(keys.of_epoch(keys.BURSTS, epoch) if epoch else keys.BURSTS)

    def _burst(self, member: str) -> str:
        return self._redis.named(keys.burst(member))

    async def _close_all(self, members: Sequence[str]) -> None:
        if members:
            await self._close(keys=[self._windows, *map(self._burst, members)], args=members)

    async def _read(self, members: Sequence[str]) -> list[dict[bytes, bytes]]:
        if not members:
            return []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for member in members:
                pipeline.execute_command("HGETALL", self._burst(member))
            answers: list[Any] = await pipeline.execute()
        return answers


def _facts(member: str, target: Target) -> tuple[str, str, int, str, str]:
    return member, target.message_id, target.ordinal, target.sender_id, target.cause


def _burst(member: str, fields: dict[bytes, bytes]) -> Burst | None:
    """None where nothing is held."""
    held: dict[str, Cause] = {
        name.removeprefix(_HELD).decode(): "unacknowledged" if cause == b"unacknowledged" else "offline"
        for name, cause in fields.items()
        if name.startswith(_HELD)
    }
    if not held:
        return None
    return Burst(member, fields[b"first"].decode(), int(fields[b"since"]), not fields[b"sender"], held)
