-- KEYS ready scheduled unique stats cancelled, whose hash tag the tasks' keys
-- share; ARGV id
-- Answers 0 cancelled, 1 its worker will be told, 2 it has ended already, 3 no
-- such task.
local READY, SCHEDULED, UNIQUE, STATS, CANCELLED = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, id = redis.call, ARGV[1]
id = call('HGET', prefix .. id, 'as') or id
local key = prefix .. id
local clock = call('TIME')

local t = call('HMGET', key, 'status', 'spec')
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
local work = string.sub(t[2], 3)
local holder = call('HGET', UNIQUE, work)
call('ZREM', READY, id) -- never refused
call('ZREM', SCHEDULED, id)
if holder == id then
  call('HDEL', UNIQUE, work)
end
call('HSET', key, 'status', 'cancelled')
call('ZADD', CANCELLED,
  clock[1] .. string.sub('00000' .. clock[2], -6), id)
redis.pcall('HINCRBY', STATS, 'cancelled', 1)
if call('ZCARD', CANCELLED) > 10000 then
  call('UNLINK', prefix .. call('ZPOPMIN', CANCELLED)[1])
end
return 0
