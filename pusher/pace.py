"""Expo's limit for a project, 600 notifications a second, shared by all pushers through Redis."""

import asyncio

from shared import keys
from shared.redis import RedisClient

LIMIT = 200
WINDOW_SECONDS = 0.37
"""At most 200 notifications within any 0.37 s: three such windows cover 1.11 s, so no second has more than 600.

docs.expo.dev, "Notifications limits". A bucket that saves up tokens would let twice its size out at the seam of two
seconds; the tenth of a second to spare is for calls that travel at different speeds. 540 a second in the long run.
"""

# KEYS: the log of what went out, `time:count:total so far`. ARGV: count, limit, window (ms).
# Answers 0 where the count may go out now, else how long (ms) until more is free.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function entry(index)
    local text = redis.call('LINDEX', KEYS[1], index)
    if not text then return nil end
    local at, count, total = string.match(text, '(%d+):(%d+):(%d+)')
    return {at = tonumber(at), count = tonumber(count), total = tonumber(total)}
end
local oldest = entry(0)
while oldest and oldest.at <= now - ARGV[3] do
    redis.call('LPOP', KEYS[1])
    oldest = entry(0)
end
local newest = entry(-1)
local total = newest and newest.total or 0
local recent = oldest and (total - oldest.total + oldest.count) or 0
if oldest and recent + ARGV[1] > tonumber(ARGV[2]) then return oldest.at + ARGV[3] - now end
redis.call('RPUSH', KEYS[1], string.format('%d:%d:%d', now, ARGV[1], total + ARGV[1]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
"""


class ExpoPace:
    """Stateless: what went out is in Redis, on Redis' clock."""

    def __init__(self, redis: RedisClient) -> None:
        self._take = redis.register_script(_TAKE)

    async def wait_for(self, count: int) -> None:
        """Returns when so many more notifications (at most LIMIT) may go out. Raises REDIS_FAILURES."""
        while True:
            wait_ms: int = await self._take(keys=[keys.PUSH_PACE], args=[count, LIMIT, int(WINDOW_SECONDS * 1000)])
            if wait_ms <= 0:
                return
            await asyncio.sleep(wait_ms / 1000)
