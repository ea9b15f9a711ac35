-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV id token
-- head_start_us delay_us
-- Gives it back uncharged, to its place in line or after a delay.  Answers 0,
-- or 1: not the caller's any more.
local READY, SCHEDULED, PROCESSING = KEYS[1], KEYS[2], KEYS[3]
local UNIQUE, STATS = KEYS[4], KEYS[5]
local call, id = redis.call, ARGV[1]
local key = string.sub(READY, 1, -6) .. 'task:' .. id
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local delay = tonumber(ARGV[4])

local function text(v)
  return string.format('%.0f', v)
end

local t = call('HMGET', key, 'token', 'status', 'type', 'index', 'sector',
  'priority', 'ready', 'cancel', 'rerun')
if t[1] ~= ARGV[2] or t[2] ~= 'processing' then
  return 1
end
call('ZREM', PROCESSING, id) -- never refused
call('HDEL', key, 'lost', 'owner', 'progress', 'rerun', 'cancel')
if t[8] and not t[9] then
  call('HDEL', UNIQUE, t[3] .. '|' .. t[4] .. '|' .. t[5])
  call('HSET', key, 'status', 'cancelled', 'finished', text(now))
  call('ZADD', KEYS[9], text(now), id)
  call('HINCRBY', STATS, 'cancelled', 1)
  return 0
end
if delay > 0 then
  call('HSET', key, 'status', 'scheduled')
  call('ZADD', SCHEDULED, text(now + delay), id)
else
  call('HSET', key, 'status', 'pending')
  call('ZADD', READY, text(t[7] - t[6] * tonumber(ARGV[3])), id)
end
call('HINCRBY', STATS, 'released', 1)
return 0
