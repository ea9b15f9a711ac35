-- KEYS meta; ARGV now_ms
-- The dataset is fetched because it is likely to be read.  Whether the time
-- before was any good is known now, and counted.
local h = redis.call('HMGET', KEYS[1], 'predicted_ms', 'used_ms', 'predicted',
  'predicted_used')
local used = h[1] and h[1] == h[2]
redis.call('HSET', KEYS[1], 'predicted_ms', ARGV[1],
  'predicted', string.format('%.0f', (tonumber(h[3]) or 0) + 1),
  'predicted_used',
  string.format('%.0f', (tonumber(h[4]) or 0) + (used and 1 or 0)))
return 1
