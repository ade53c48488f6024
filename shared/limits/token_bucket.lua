-- Takes one token from each bucket KEYS[i], of rate ARGV[2i-1] (tokens a second) and burst ARGV[2i].
-- Returns for each 0 if there was one, else the milliseconds until there will be; -1 where the key holds something else.
--
-- By Redis' clock: those of the services differ. A key lives until the bucket would be full again, for a full bucket
-- and none are the same. A refusal writes nothing: who floods costs no replication.

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function take(key, rate, burst)
  local saved = redis.pcall('HMGET', key, 'tokens', 'at')
  if saved.err then
    return -1 -- a key of another type, which is none of the other buckets' business
  end
  -- After a failover the clock may have gone back.
  local passed = math.max(0, now - (tonumber(saved[2]) or now))
  local tokens = math.min(burst, (tonumber(saved[1]) or burst) + passed * rate / 1000)

  if tokens < 1 then
    return math.ceil((1 - tokens) * 1000 / rate)
  end
  tokens = tokens - 1
  redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
  redis.call('PEXPIRE', key, math.ceil((burst - tokens) * 1000 / rate))
  return 0
end

local answers = {}
for i, key in ipairs(KEYS) do
  answers[i] = take(key, tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i]))
end
return answers
