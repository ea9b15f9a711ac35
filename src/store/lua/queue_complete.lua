-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV head_start_us,
-- then a task: id token result
-- Answers how many were not the caller's any more.
local READY, PROCESSING, UNIQUE = KEYS[1], KEYS[3], KEYS[4]
local STATS, CONFIG, COMPLETED = KEYS[5], KEYS[6], KEYS[8]
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, HEAD = redis.call, tonumber(ARGV[1])
local AGE, KEPT = 7 * 86400e6, 10000
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function text(v)
  return string.format('%.0f', v)
end

-- Forget the oldest of a finished set: those over the count, and some more, so
-- that it is seldom done; now and then those over the age.
local function cap(key, age)
  local over, ids = call('ZCARD', key) - KEPT, {}
  if over > 0 then
    ids = call('ZRANGE', key, 0, math.min(over + 50, 200) - 1)
  elseif now % 16 == 0 then
    ids = call('ZRANGEBYSCORE', key, '-inf', text(now - age), 'LIMIT', 0, 100)
  end
  if #ids > 0 then
    call('ZREM', key, unpack(ids))
    for i, id in ipairs(ids) do
      ids[i] = prefix .. id
    end
    call('UNLINK', unpack(ids))
  end
end

-- Asked for by force while it ran: it begins anew.
local function again(id)
  local key = prefix .. id
  local level = call('HGET', key, 'priority')
  local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)
  last = math.max(last + 1, now)
  call('HSET', key, 'status', 'pending', 'ready', text(last))
  call('HDEL', key, 'rerun', 'cancel', 'retry_count', 'lost', 'owner',
    'progress')
  call('ZADD', READY, text(last - level * HEAD), id)
  call('HSET', CONFIG, 'last_ready', text(last))
end

local ours, reruns, results, works, lost = {}, {}, {}, {}, 0
local mine, n = {}, 0
for i = 2, #ARGV, 3 do
  local id = ARGV[i]
  local t = call('HMGET', prefix .. id, 'token', 'status', 'type', 'index',
    'sector', 'rerun')
  if t[1] ~= ARGV[i + 1] or t[2] ~= 'processing' or mine[id] then
    lost = lost + 1
  else
    mine[id], n = true, n + 1
    ours[n], reruns[n], results[n] = id, t[6], ARGV[i + 2]
    works[n] = t[3] .. '|' .. t[4] .. '|' .. t[5]
  end
end
if n == 0 then
  return lost
end

call('ZREM', PROCESSING, unpack(ours)) -- never refused
local finished = clock[1] .. string.sub('00000' .. clock[2], -6)
local ended, e = {}, 0
for i = 1, n do
  local id = ours[i]
  if reruns[i] then
    again(id)
  else
    call('HSET', prefix .. id, 'status', 'completed', 'finished', finished,
      'result', results[i])
    e = e + 1
    ended[2 * e - 1], ended[2 * e], works[e] = finished, id, works[i]
  end
end
if e > 0 then
  call('HDEL', UNIQUE, unpack(works, 1, e))
  call('ZADD', COMPLETED, unpack(ended))
  cap(COMPLETED, AGE)
end
call('HINCRBY', STATS, 'done', n)
return lost
