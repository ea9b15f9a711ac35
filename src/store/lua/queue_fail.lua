-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV id token
-- head_start_us permanent(0|1) attempts retry_us random[0..1) not_before_us
-- error
-- Answers { 0, status } or { 1 }: not the caller's any more.
local READY, SCHEDULED, PROCESSING = KEYS[1], KEYS[2], KEYS[3]
local UNIQUE, STATS, CONFIG = KEYS[4], KEYS[5], KEYS[6]
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, id, HEAD = redis.call, ARGV[1], tonumber(ARGV[3])
local key = prefix .. id
local DAY, KEPT, ERRORS, LONGEST = 86400e6, 10000, 8, 900e6
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(v)
  return string.format('%.0f', v)
end

-- Forget the oldest of a finished set, by count or age.
local function cap(set, age)
  local over = math.min(call('ZCARD', set) - KEPT, 100)
  local ids = over > 0 and call('ZRANGE', set, 0, over - 1) or
    call('ZRANGEBYSCORE', set, '-inf', text(now - age), 'LIMIT', 0, 20)
  if #ids > 0 then
    call('ZREM', set, unpack(ids))
    for i, old in ipairs(ids) do
      ids[i] = prefix .. old
    end
    call('UNLINK', unpack(ids))
  end
end

local t = call('HMGET', key, 'token', 'status', 'type', 'index', 'sector',
  'priority', 'retry_count', 'errors', 'cancel', 'rerun')
if t[1] ~= ARGV[2] or t[2] ~= 'processing' then
  return { 1 }
end
local runs, n = tonumber(t[7] or 0) + 1, tonumber(t[8] or 0)
local why = text(math.floor(now / 1000)) .. ' ' .. ARGV[9]
local spent = ARGV[4] == '1' or runs >= tonumber(ARGV[5])

call('ZREM', PROCESSING, id) -- never refused
call('HSET', key, 'retry_count', runs, 'errors', n + 1,
  'e' .. n % ERRORS + 1, string.sub(why, 1, 64))
call('HDEL', key, 'lost', 'progress', 'rerun', 'cancel')

local function finish(set, status, counter, age)
  call('HDEL', UNIQUE, t[3] .. '|' .. t[4] .. '|' .. t[5])
  call('HSET', key, 'status', status, 'finished', text(now))
  call('ZADD', set, text(now), id)
  call('HINCRBY', STATS, counter, 1)
  cap(set, age)
  return { 0, status }
end

if t[9] and not t[10] then
  return finish(KEYS[9], 'cancelled', 'cancelled', 7 * DAY)
end
if spent and not t[10] then
  return finish(KEYS[7], 'failed', 'dead', 30 * DAY)
end
call('HDEL', key, 'owner')
call('HINCRBY', STATS, 'retried', 1)
if spent then -- asked for by force while it ran: it begins anew
  local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)
  last = math.max(last + 1, now)
  call('HSET', key, 'status', 'pending', 'ready', text(last))
  call('HDEL', key, 'retry_count')
  call('ZADD', READY, text(last - t[6] * HEAD), id)
  call('HSET', CONFIG, 'last_ready', text(last))
  return { 0, 'pending' }
end
local delay = math.min(tonumber(ARGV[6]) * 2 ^ (runs - 1), LONGEST)
delay = math.max(delay / 2 * (1 + tonumber(ARGV[7])), tonumber(ARGV[8]))
call('HSET', key, 'status', 'scheduled')
call('ZADD', SCHEDULED, text(now + delay), id)
return { 0, 'scheduled' }
