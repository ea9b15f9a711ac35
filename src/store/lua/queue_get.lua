-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV id field …
-- Read-only.  Answers { place in line or -1, lease end, due, the fields }, or
-- {}: no such task.
local id = ARGV[1]
local key = string.sub(KEYS[1], 1, -6) .. 'task:' .. id
local t = redis.call('HMGET', key, unpack(ARGV, 2))

if not t[1] then
  return {}
end
return { redis.call('ZRANK', KEYS[1], id) or -1,
  redis.call('ZSCORE', KEYS[3], id) or '0',
  redis.call('ZSCORE', KEYS[2], id) or '0', t }
