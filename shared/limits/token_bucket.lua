-- Takes tokens for questions that each want some from several buckets. For bucket KEYS[i]: ARGV[5i-4] is its rate (tokens
-- a second), ARGV[5i-3] its burst, ARGV[5i-2] how many have to be there, ARGV[5i-1] how many are taken (what is not there
-- is owed), ARGV[5i] is 1 for the last bucket of its question.
-- Where one bucket has too few, none of its question gives any: who floods one limit must not empty another one, which
-- neighbours share.
-- Returns for each 0 if there were enough, else the milliseconds until there will be; -1 where the key holds something
-- else.
--
-- By Redis' clock: those of the services differ. A key lives until the bucket would be full again, for a full bucket
-- and none are the same. A refusal writes nothing: who floods costs no replication.

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function saved_tokens(key, rate, burst)
  local saved = redis.pcall('HMGET', key, 'tokens', 'at')
  if saved.err then
    return nil -- a key of another type, which is none of the other buckets' business
  end
  -- After a failover the clock may have gone back.
  local passed = math.max(0, now - (tonumber(saved[2]) or now))
  return math.min(burst, (tonumber(saved[1]) or burst) + passed * rate / 1000)
end

local function take(i, tokens)
  local rate, burst = tonumber(ARGV[5 * i - 4]), tonumber(ARGV[5 * i - 3])
  local left = tokens - tonumber(ARGV[5 * i - 1])
  redis.call('HSET', KEYS[i], 'tokens', string.format('%.6f', left), 'at', string.format('%.3f', now))
  redis.call('PEXPIRE', KEYS[i], math.max(1, math.ceil((burst - left) * 1000 / rate)))
end

local answers, tokens = {}, {}
local first, refused = 1, false
for i, key in ipairs(KEYS) do
  local rate, wanted = tonumber(ARGV[5 * i - 4]), tonumber(ARGV[5 * i - 2])
  tokens[i] = saved_tokens(key, rate, tonumber(ARGV[5 * i - 3])) or false
  answers[i] = -1
  if tokens[i] then
    answers[i] = tokens[i] < wanted and math.ceil((wanted - tokens[i]) * 1000 / rate) or 0
  end
  refused = refused or answers[i] > 0
  if ARGV[5 * i] == '1' then
    for j = first, i do
      if not refused and tokens[j] then
        take(j, tokens[j])
      end
    end
    first, refused = i + 1, false
  end
end
return answers
