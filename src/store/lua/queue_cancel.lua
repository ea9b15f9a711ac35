-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV id
-- Answers 0 cancelled, 1 its worker will be told, 2 it has ended already, 3 no
-- such task.
local READY, SCHEDULED, UNIQUE = KEYS[1], KEYS[2], KEYS[4]
local CANCELLED, KEPT, AGE = KEYS[9], 10000, 7 * 86400e6
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, id = redis.call, ARGV[1]
local key = prefix .. id
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(v)
  return string.format('%.0f', v)
end

local t = call('HMGET', key, 'status', 'type', 'index', 'sector')
if not t[1] then
  return 3
end
if t[1] == 'processing' then
  call('HDEL', key, 'rerun') -- never refused, and so nothing after it is
  call('HSET', key, 'cancel', 1)
  return 1
end
if t[1] ~= 'pending' and t[1] ~= 'scheduled' then
  return 2
end
call('ZREM', READY, id) -- never refused
call('ZREM', SCHEDULED, id)
call('HDEL', UNIQUE, t[2] .. '|' .. t[3] .. '|' .. t[4])
call('HSET', key, 'status', 'cancelled', 'finished', text(now))
call('ZADD', CANCELLED, text(now), id)
call('HINCRBY', KEYS[5], 'cancelled', 1)

-- Forget the oldest, by count or age.
local over = math.min(call('ZCARD', CANCELLED) - KEPT, 100)
local ids = over > 0 and call('ZRANGE', CANCELLED, 0, over - 1) or
  call('ZRANGEBYSCORE', CANCELLED, '-inf', text(now - AGE), 'LIMIT', 0, 20)
if #ids > 0 then
  call('ZREM', CANCELLED, unpack(ids))
  for i, old in ipairs(ids) do
    ids[i] = prefix .. old
  end
  call('UNLINK', unpack(ids))
end
return 0
