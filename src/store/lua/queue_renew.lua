-- KEYS processing, whose hash tag the tasks' keys share; ARGV id run lease_us
-- progress
-- Answers { 0, cancelled, lease end } or { 1 }: not the caller's any more.
local PROCESSING, id = KEYS[1], ARGV[1]
local key = string.sub(PROCESSING, 1, -11) .. 'task:' .. id
local call = redis.call
local clock = call('TIME')
local lease = clock[1] * 1000000 + clock[2] + ARGV[3]

local t = call('HMGET', key, 'run', 'status', 'cancel')
if t[1] ~= ARGV[2] or t[2] ~= 'processing' then
  return { 1 }
end
call('ZREM', PROCESSING, id) -- never refused, and so nothing after it is
call('ZADD', PROCESSING, string.format('%.0f', lease), id)
if ARGV[4] ~= '' then
  call('HSET', key, 'progress', ARGV[4])
end
return { 0, t[3] and 1 or 0, lease }
