"""Expo's limit for a project, 600 notifications a second, shared by all pushers through Redis."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from shared import keys
from shared.redis import RedisClient

LIMIT = 200
WINDOW_SECONDS = 0.375
"""At most 200 notifications within any 0.375 s: three such windows cover 1.125 s, so no second has more than 600.

docs.expo.dev, "Notifications limits". A bucket that saves up tokens would let twice its size out at the seam of two
seconds. The eighth of a second to spare is for calls that are late and travel at different speeds. 533 a second in the
long run.
"""
LATE_SECONDS = 0.06
"""A call that is not on its way so long after its moment would meet those of later moments: it takes another."""
ROUND_TRIPS = 20
"""Of so many the fastest tells how far away Redis is, so that one that is far away is no hindrance for long."""
LEAST_LEAD_SECONDS = 0.05
LONGEST_LEAD_SECONDS = 2.0

# KEYS: the log of what goes out, `time:count:total with it`, in the order of time, its end still to come. ARGV: count,
# limit, window, lead (ms). Reserves the first moment after all of that, and not before the lead is over, at which the
# window has room, and answers how far off it is (ms). The window has room once everything up to the first entry whose
# total is `enough` has left it.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local soonest = now + tonumber(ARGV[4])
local went = {}
for index, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    local at, some, total = string.match(text, '(%d+):(%d+):(%d+)')
    went[index] = {at = tonumber(at), before = total - some, total = tonumber(total)}
end
local newest = went[#went]
local total = newest and newest.total or 0
local moment = newest and math.max(soonest, newest.at) or soonest
local enough, over = total + count - limit, 0
for _, call in ipairs(went) do
    if call.at <= now - window then
        over = over + 1
    elseif call.before >= enough then
        break
    else
        moment = math.max(moment, call.at + window)
    end
end
redis.call('LTRIM', KEYS[1], over, -1)
redis.call('RPUSH', KEYS[1], string.format('%.0f:%.0f:%.0f', moment, count, total + count))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', moment + window - now))
return moment - now
"""


@dataclass(frozen=True)
class Slot:
    """When a call may set out for Expo: its first byte is written between these two (by `time.monotonic`)."""

    opens_at: float
    closes_at: float

    @property
    def is_over(self) -> bool:
        """Also one that closes before it opens: Redis' answer was too long on its way to tell the moment."""
        return max(time.monotonic(), self.opens_at) > self.closes_at

    async def draw_near(self, lead_seconds: float) -> None:
        """Returns so long before it opens, or at once."""
        await asyncio.sleep(max(0.0, self.opens_at - lead_seconds - time.monotonic()))


class ExpoPace:
    """What goes out when is in Redis, on Redis' clock; here is only how far away Redis is."""

    def __init__(self, redis: RedisClient) -> None:
        self._key = redis.named(keys.PUSH_PACE)
        self._reserve = redis.register_script(_RESERVE)
        self._round_trips = deque([0.0], maxlen=ROUND_TRIPS)

    async def reserve(self, count: int, lead_seconds: float = 0.0) -> Slot:
        """The first slot for so many notifications (at most LIMIT), at least `lead_seconds` away; it is theirs then.

        First come, first served. Redis gave the moment between our question and its answer: so that the slot holds by
        Redis' clock too, it opens as counted from the answer and closes as counted from the question, each by the way
        that it took at least. A process that was held up between them finds it over. Raises REDIS_FAILURES.
        """
        asked = time.monotonic()
        arguments = [count, LIMIT, int(WINDOW_SECONDS * 1000), int(lead_seconds * 1000)]
        wait_ms: int = await self._reserve(keys=[self._key], args=arguments)
        answered = time.monotonic()
        self._round_trips.append(answered - asked)
        wait, way = wait_ms / 1000, min(self._round_trips) / 2
        return Slot(answered - way + wait, asked + way + wait + LATE_SECONDS)


class Lead:
    """How long before its moment a call must be prepared: a little longer than it took of late."""

    def __init__(self) -> None:
        self.seconds = LEAST_LEAD_SECONDS

    def took(self, seconds: float) -> None:
        """Longer at once, shorter by and by: who is late loses its moment, who is early looks a little too early."""
        wanted = max(seconds * 1.5, self.seconds * 0.8)
        self.seconds = min(max(wanted, LEAST_LEAD_SECONDS), LONGEST_LEAD_SECONDS)

    def was_too_short(self) -> None:
        self.seconds = min(self.seconds * 1.5, LONGEST_LEAD_SECONDS)
