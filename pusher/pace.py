"""Expo's limit for a project, 600 notifications a second, shared by all pushers through Redis."""

from shared import keys
from shared.redis import RedisClient

LIMIT = 200
WINDOW_SECONDS = 0.37
"""At most 200 notifications within any 0.37 s: three such windows cover 1.11 s, so no second has more than 600.

docs.expo.dev, "Notifications limits". A bucket that saves up tokens would let twice its size out at the seam of two
seconds; the tenth of a second to spare is for calls that travel at different speeds. 540 a second in the long run.
"""

# KEYS: the log of what goes out, `time:count:total with it`, in the order of time, its end still to come. ARGV: count,
# limit, window (ms). Reserves the first moment after all of that at which the window has room, and answers how far off
# it is (ms). The window has room once everything up to the first entry whose total is `enough` has left it.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local went = {}
for index, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    local at, some, total = string.match(text, '(%d+):(%d+):(%d+)')
    went[index] = {at = tonumber(at), before = total - some, total = tonumber(total)}
end
local newest = went[#went]
local total = newest and newest.total or 0
local moment = newest and math.max(now, newest.at) or now
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


class ExpoPace:
    """Stateless: what goes out when is in Redis, on Redis' clock."""

    def __init__(self, redis: RedisClient) -> None:
        self._reserve = redis.register_script(_RESERVE)

    async def reserve(self, count: int) -> float:
        """In how many seconds so many notifications (at most LIMIT) may go out; that moment is taken for them then.

        First come, first served. Raises REDIS_FAILURES.
        """
        wait_ms: int = await self._reserve(keys=[keys.PUSH_PACE], args=[count, LIMIT, int(WINDOW_SECONDS * 1000)])
        return wait_ms / 1000
