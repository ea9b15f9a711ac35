-- KEYS of queue.c, whose hash tag the tasks' keys share; ARGV
-- head_start_us, then "id" and an id, or "all", a type or "", and how many of
-- the failed to pass over and to look at
-- Answers { requeued, passed over, why not } (of an id: 1 no such task, 2 it
-- has not failed, 3 equal work waits or runs).
local READY, UNIQUE, CONFIG = KEYS[1], KEYS[4], KEYS[6]
local FAILED, CANCELLED = KEYS[7], KEYS[9]
local prefix = string.sub(READY, 1, -6) .. 'task:'
local call, HEAD = redis.call, tonumber(ARGV[1])
local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local last = tonumber(call('HGET', CONFIG, 'last_ready') or 0)

local function text(v)
  return string.format('%.0f', v)
end

local function requeue(id, type)
  local key = prefix .. id
  local t = call('HMGET', key, 'status', 'type', 'index', 'sector', 'priority')
  if not t[1] then
    return 1
  end
  if t[1] ~= 'failed' and t[1] ~= 'cancelled' then
    return 2
  end
  if type ~= '' and t[2] ~= type then
    return 2
  end
  -- The first write of all: a full Redis refuses the whole.
  if call('HSETNX', UNIQUE, t[2] .. '|' .. t[3] .. '|' .. t[4], id) == 0 then
    return 3
  end
  last = math.max(last + 1, now)
  call('HSET', key, 'status', 'pending', 'ready', text(last))
  call('HDEL', key, 'retry_count', 'lost', 'owner', 'finished', 'progress')
  call('ZREM', FAILED, id)
  call('ZREM', CANCELLED, id)
  call('ZADD', READY, text(last - t[5] * HEAD), id)
  return 0
end

local done, passed, why, ids = 0, 0, 0, { ARGV[3] }
if ARGV[2] == 'all' then
  ids = call('ZRANGE', FAILED, ARGV[4], ARGV[4] + ARGV[5] - 1)
end
for _, id in ipairs(ids) do
  why = requeue(id, ARGV[2] == 'all' and ARGV[3] or '')
  if why == 0 then
    done = done + 1
  else
    passed = passed + 1
  end
end
if done > 0 then
  call('HSET', CONFIG, 'last_ready', text(last))
end
return { done, passed, why }
