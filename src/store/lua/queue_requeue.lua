-- KEYS ready scheduled unique config failed cancelled, whose hash tag the
-- tasks' keys share; ARGV head_start_us, 4 limits, then "id" and an id, or
-- "all", a type or "", how many of the failed to pass over and to look at, and
-- the time of the first call ("" it is): who failed since is not meant
-- Answers { requeued, passed over, why not, that time } (of an id: 1 no such
-- task, 2 it has not failed, 3 equal work waits or runs, 4 the queue is full).
local READY, SCHEDULED, UNIQUE, CONFIG, FAILED, CANCELLED = unpack(KEYS)
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, HEAD, all = redis.call, tonumber(ARGV[1]), ARGV[6] == 'all'
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)
local waiting = call('ZCARD', READY) + call('ZCARD', SCHEDULED)
local type = all and ARGV[7] or ''

local function text(v)
  return string.format('%.0f', v)
end

local function requeue(id)
  id = call('HGET', prefix .. id, 'as') or id
  local key = prefix .. id
  local t = call('HMGET', key, 'status', 'spec')
  local work = string.sub(t[2] or '', 3)
  local level = string.sub(t[2] or '', 1, 1)
  if not t[1] then
    return 1
  end
  if t[1] ~= 'failed' and t[1] ~= 'cancelled' then
    return 2
  end
  if type ~= '' and string.match(work, '^[^|]*') ~= type then
    return 2
  end
  if waiting >= tonumber(ARGV[2 + level]) then
    return 4
  end
  -- The first write of all: a full Redis refuses the whole.
  if call('HSETNX', UNIQUE, work, id) == 0 then
    return 3
  end
  last, waiting = math.max(last + 1, now), waiting + 1
  call('HSET', key, 'status', 'pending', 'asked', text(now))
  call('HDEL', key, 'tries', 'run', 'progress', 'result')
  call('ZREM', FAILED, id)
  call('ZREM', CANCELLED, id)
  call('ZADD', READY, text(last - level * HEAD), id)
  return 0
end

local done, passed, why, ids, since = 0, 0, 0, { ARGV[7] }, text(now)
if all then
  since = ARGV[10] ~= '' and ARGV[10] or since
  ids = call('ZRANGEBYSCORE', FAILED, '-inf', since, 'LIMIT', ARGV[8], ARGV[9])
end
for _, id in ipairs(ids) do
  why = requeue(id)
  if why == 0 then
    done = done + 1
  else
    passed = passed + 1
  end
  if why == 4 then
    break
  end
end
if done > 0 then
  call('HSET', CONFIG, 'last_ready', text(last))
end
return { done, passed, why, since }
