-- KEYS ready scheduled processing unique stats cancelled, whose hash tag the
-- tasks' keys share; ARGV id run head_start_us delay_us why
-- Gives it back uncharged, to its place in line or after a delay.  Answers 0,
-- or 1: not the caller's any more.
local READY, SCHEDULED, PROCESSING, UNIQUE, STATS, CANCELLED = unpack(KEYS)
local call, id = redis.call, ARGV[1]
local key = string.sub(READY, 1, -6) .. 'task:' .. id
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local due = now + ARGV[4]

local function text(v)
  return string.format('%.0f', v)
end

local t = call('HMGET', key, 'run', 'status', 'spec', 'tries', 'cancel', 'rerun')
if t[1] ~= ARGV[2] or t[2] ~= 'processing' then
  return 1
end
local work, level = string.sub(t[3], 3), string.sub(t[3], 1, 1)
local was, score = string.match(ARGV[2], '(%d) (%S+)$')
local runs = string.match(t[4] or '0', '%d+')
local holder = call('HGET', UNIQUE, work)

call('ZREM', PROCESSING, id) -- never refused
local flags = string.sub(t[3], 2, 2) % 4
call('HDEL', key, 'run', 'tries', 'progress', 'rerun', 'cancel', 'put_off')
call('HSET', key, 'spec', level .. flags + 4 .. work) -- it has run
if runs ~= '0' then
  call('HSET', key, 'tries', runs .. ' 0')
end
if t[5] and not t[6] then
  if holder == id then
    call('HDEL', UNIQUE, work)
  end
  call('HSET', key, 'status', 'cancelled')
  call('ZADD', CANCELLED, text(now), id)
  redis.pcall('HINCRBY', STATS, 'cancelled', 1)
  return 0
end
if t[5] then -- asked for anew since: when that is wanted
  due = math.max(due, t[6])
end
if ARGV[5] ~= '' then
  call('HSET', key, 'put_off',
    string.sub(text(math.floor(now / 1000)) .. ' ' .. ARGV[5], 1, 64))
end
if due > now then
  call('HSET', key, 'status', 'scheduled')
  call('ZADD', SCHEDULED, text(due), id)
else
  call('HSET', key, 'status', 'pending')
  call('ZADD', READY, text(score - (level - was) * ARGV[3]), id)
end
redis.pcall('HINCRBY', STATS, 'released', 1)
return 0
