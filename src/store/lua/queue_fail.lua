-- KEYS ready scheduled processing unique stats config failed cancelled, whose
-- hash tag the tasks' keys share; ARGV id run head_start_us permanent(0|1)
-- attempts retry_us random[0..1) not_before_us error
-- Answers { 0, status } or { 1 }: not the caller's any more.
local READY, SCHEDULED, PROCESSING, UNIQUE, STATS, CONFIG, FAILED, CANCELLED =
  unpack(KEYS)
local call, id, HEAD = redis.call, ARGV[1], tonumber(ARGV[3])
local key = string.sub(READY, 1, -6) .. 'task:' .. id
local ERRORS, LONGEST = 8, 900e6
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(v)
  return string.format('%.0f', v)
end

local t = call('HMGET', key, 'run', 'status', 'spec', 'tries', 'errors',
  'cancel', 'rerun')
if t[1] ~= ARGV[2] or t[2] ~= 'processing' then
  return { 1 }
end
local work, level = string.sub(t[3], 3), string.sub(t[3], 1, 1)
local runs, n = string.match(t[4] or '0', '%d+') + 1, tonumber(t[5] or 0)
local rerun = tonumber(t[7])
local why = text(math.floor(now / 1000)) .. ' ' .. ARGV[9]
local spent = ARGV[4] == '1' or runs >= tonumber(ARGV[5])
local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)
local holder = call('HGET', UNIQUE, work)

call('ZREM', PROCESSING, id) -- never refused
call('HSET', key, 'tries', runs .. ' 0', 'spec',
  level .. string.sub(t[3], 2, 2) % 2 + 6 .. work, 'errors', n + 1,
  'e' .. n % ERRORS + 1, string.sub(why, 1, 64))
call('HDEL', key, 'progress', 'rerun', 'cancel', 'put_off')

local function finish(set, status, counter)
  if holder == id then
    call('HDEL', UNIQUE, work)
  end
  call('HSET', key, 'status', status)
  call('ZADD', set, text(now), id)
  redis.pcall('HINCRBY', STATS, counter, 1)
  return { 0, status }
end

if t[6] and not rerun then
  return finish(CANCELLED, 'cancelled', 'cancelled')
end
if spent and not rerun then
  return finish(FAILED, 'failed', 'dead')
end
redis.pcall('HINCRBY', STATS, 'retried', 1)
call('HDEL', key, 'run')
local delay = math.min(tonumber(ARGV[6]) * 2 ^ (runs - 1), LONGEST)
delay = math.max(delay / 2 * (1 + tonumber(ARGV[7])), tonumber(ARGV[8]))
if spent or t[6] then -- asked for while it ran: it begins anew
  delay = rerun - now
  call('HDEL', key, 'tries')
  call('HSET', key, 'spec', level .. string.sub(t[3], 2, 2) % 2 .. work)
end
if delay > 0 then
  call('HSET', key, 'status', 'scheduled')
  call('ZADD', SCHEDULED, text(now + delay), id)
  return { 0, 'scheduled' }
end
last = math.max(last + 1, now)
call('HSET', key, 'status', 'pending')
call('ZADD', READY, text(last - level * HEAD), id)
call('HSET', CONFIG, 'last_ready', text(last))
return { 0, 'pending' }
