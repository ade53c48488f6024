-- Takes one token from the bucket KEYS[1] of rate ARGV[1] (tokens a second) and burst ARGV[2].
-- Returns 0 if there was one, else the milliseconds until there will be.
--
-- By Redis' clock: those of the services differ. The key lives until the bucket would be full again, for a full bucket
-- and none are the same. A refusal writes nothing: who floods costs no replication.

local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local saved = redis.call('HMGET', KEYS[1], 'tokens', 'at')
-- After a failover the clock may have gone back.
local passed = math.max(0, now - (tonumber(saved[2]) or now))
local tokens = math.min(burst, (tonumber(saved[1]) or burst) + passed * rate / 1000)

if tokens < 1 then
  return math.ceil((1 - tokens) * 1000 / rate)
end
tokens = tokens - 1
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) * 1000 / rate))
return 0
